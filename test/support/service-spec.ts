import { DEFAULT_JUDGE } from '../../src/core/judge/rules.ts';
import { isWeb, type Service, type WebService, type WorkerService } from '../../src/core/project.ts';
import { DEFAULT_POLICY } from '../../src/core/traffic/policy.ts';

/** A service as the file gives it, small and valid. */
export function serviceSpec(change: Partial<WebService> = {}): WebService {
  return {
    kind: 'web',
    name: 'web',
    run: { command: 'node server.js', env: {}, stop: { signal: 'SIGTERM', withinMs: 10_000 } },
    files: { dir: '.', ignore: [] },
    instances: 2,
    traffic: {
      listen: { host: '127.0.0.1', port: 8080 },
      mode: 'gateway',
      routes: [{ host: null, path: '/' }],
      drain: { requestsMs: 30_000, streamsMs: 30_000 },
      hold: { forMs: 10_000, requestsMax: 100 },
      responseMs: 60_000,
      policy: DEFAULT_POLICY,
      maintenancePage: null,
      sticky: null,
      flags: null,
      slowStartMs: 0,
      tls: null,
      protocol: 'http1',
    },
    health: {
      liveness: null,
      readiness: {
        check: { type: 'path', path: '/ready' },
        intervalMs: 500,
        timeoutMs: 1_000,
        successes: 2,
        failures: 3,
        withinMs: 60_000,
      },
      dependencies: {},
    },
    strategy: { type: 'rolling', surge: 1, unavailable: 0, batch: null, bakeMs: 0 },
    judge: DEFAULT_JUDGE,
    smoke: [],
    after: [],
    ...change,
  };
}

/** The same as a worker. */
export function workerSpec(change: Partial<WorkerService> = {}): WorkerService {
  const { traffic: _traffic, run, ...rest } = serviceSpec();
  return {
    ...rest,
    kind: 'worker',
    run: { ...run, stop: { signal: 'SIGTERM', withinMs: null } },
    drainMs: 120_000,
    ...change,
  };
}

/** One that has to be there and to serve traffic. */
export function webIn(services: Readonly<Record<string, Service>>, name = 'web'): WebService {
  const service = services[name];
  if (!service || !isWeb(service)) throw new Error(`${name} is no web service`);
  return service;
}
