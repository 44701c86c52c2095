/**
 * Hunts a file that is wrong and passes, one that is right and does not, a message without its place or
 * without what was expected, and any text at all that makes the parser throw or hang.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SegueError } from '../../core/errors.ts';
import { DEFAULT_FLAGS } from '../../core/flags/choices.ts';
import { DEFAULT_JUDGE } from '../../core/judge/rules.ts';
import type { Project, WebService } from '../../core/project.ts';
import { DEFAULT_POLICY } from '../../core/traffic/policy.ts';
import { webIn } from '../../../test/support/service-spec.ts';
import { environmentNames, parseProjectFile } from './parse.ts';
import { formatProblem } from './problem.ts';

const BASE = `project: shop
services:
  web:
    run: { command: node server.js, env: { LOG_LEVEL: info, RELEASE: 1.10, DEBUG: true, KEY: env:KEY } }
    instances: 3
    traffic:
      listen: 8080
      routes: [{ host: Shop.Example.com, path: /api/ }]
      drain: 20s
      hold: { for: 5s, requests: 10 }
    health:
      liveness: /livez
      readiness: { path: /readyz, interval: 100ms, timeout: 1s, successes: 2, within: 60s }
      dependencies: { database: tcp://127.0.0.1:5432, payments: http://127.0.0.1:9000/health }
    strategy: { type: rolling, surge: 2, batch: 1 }
    smoke: [{ get: /, expect: { status: 200, contains: Shop } }, { command: node smoke.js }]
environments:
  staging: { services: { web: { instances: 1, traffic: { listen: 8081 } } } }
`;

/** What a service gets that says nothing about it. */
const POLICY = { ...DEFAULT_POLICY, ejection: { failures: 5, forMs: 10_000 } };

function problemsOf(text: string, environment: string | null = null): string[] {
  const result = parseProjectFile(text, 'segue.yaml', environment);
  return result.ok ? [] : result.problems.map(formatProblem);
}

function projectOf(text: string, environment: string | null = null): Project {
  const result = parseProjectFile(text, 'segue.yaml', environment);
  assert.ok(result.ok, problemsOf(text, environment).join('\n'));
  return result.project;
}

function webOf(text: string, environment: string | null = null): WebService {
  return webIn(projectOf(text, environment).services);
}

/** A file with one service of which only these lines are given. */
const service = (...lines: string[]) =>
  ['project: p', 'services:', '  web:', ...lines.map((line) => `    ${line}`)].join('\n');

describe('a right file', () => {
  test('means what it says', () => {
    const web = webOf(BASE);
    assert.deepEqual(web.traffic, {
      listen: { host: '', port: 8080 },
      mode: 'gateway',
      routes: [{ host: 'shop.example.com', path: '/api' }],
      drain: { requestsMs: 20_000, streamsMs: 10_000 },
      hold: { forMs: 5_000, requestsMax: 10 },
      responseMs: 60_000,
      policy: POLICY,
      maintenancePage: null,
      sticky: null,
      flags: null,
      slowStartMs: 0,
      tls: null,
      protocol: 'http1',
    });
    assert.deepEqual(web.health.dependencies, {
      database: { type: 'tcp', host: '127.0.0.1', port: 5432 },
      payments: { type: 'http', url: 'http://127.0.0.1:9000/health' },
    });
    assert.deepEqual(web.strategy, { type: 'rolling', surge: 2, unavailable: 0, batch: 1, bakeMs: 0 });
    assert.deepEqual(web.smoke[1], { type: 'command', command: 'node smoke.js', timeoutMs: 10_000 });
  });

  test('keeps the values of variables as they are written', () => {
    assert.deepEqual(webOf(BASE).run.env, {
      LOG_LEVEL: 'info',
      RELEASE: '1.10',
      DEBUG: 'true',
      KEY: 'env:KEY',
    });
  });

  test('gets every default when it says as little as it may', () => {
    const project = projectOf(service('run: node x', 'traffic: { listen: "127.0.0.1:80" }'));
    assert.deepEqual(project, {
      name: 'p',
      environment: null,
      database: null,
      keep: { versions: 5, forMs: 7 * 86_400_000 },
      ports: { from: 20_000, to: 29_999 },
      gateway: {
        workers: null,
        trust: ['127.0.0.0/8', '::1/128'],
        geo: null,
        countryFile: null,
        certificates: [],
        redirect: null,
        metrics: null,
        accessLog: null,
        acme: null,
      },
      flags: DEFAULT_FLAGS,
      services: {
        web: {
          kind: 'web',
          name: 'web',
          run: { command: 'node x', env: {}, stop: { signal: 'SIGTERM', withinMs: 30_000 } },
          files: { dir: '.', ignore: [] },
          instances: 1,
          traffic: {
            listen: { host: '127.0.0.1', port: 80 },
            mode: 'gateway',
            routes: [{ host: null, path: '/' }],
            drain: { requestsMs: 30_000, streamsMs: 10_000 },
            hold: { forMs: 10_000, requestsMax: 1000 },
            responseMs: 60_000,
            policy: POLICY,
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
              check: { type: 'tcp', host: null, port: null },
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
        },
      },
    });
  });

  test('says the same in its short and in its long forms', () => {
    const long = service(
      'run: { command: [node, x], stop: {} }',
      'files: { dir: ./build }',
      'traffic: { listen: ":80", drain: { requests: 5s }, hold: { for: 0 }, timeouts: { response: 5s } }',
      'health: { liveness: { tcp: true }, readiness: { url: "http://127.0.0.1/x" } }',
      'strategy: { type: blue-green, preview: { for: 2m } }',
    );
    const short = service(
      'run: [node, x]',
      'files: ./build',
      'traffic: { listen: 80, drain: 5s, hold: 0, response: 5s }',
      'health: { liveness: tcp, readiness: "http://127.0.0.1/x" }',
      'strategy: { type: blue-green, preview: 2m }',
    );
    assert.deepEqual(projectOf(short), projectOf(long));
    assert.deepEqual(webOf(short).strategy, {
      type: 'blue-green',
      preview: { header: 'segue-preview', value: 'candidate', when: null, forMs: 120_000 },
      bakeMs: 60_000,
    });
  });

  test('may use anchors', () => {
    const text = service('run: &run node x', 'traffic: { listen: 80 }', 'smoke: [{ command: *run }]');
    assert.deepEqual(webOf(text).smoke, [{ type: 'command', command: 'node x', timeoutMs: 10_000 }]);
  });
});

describe('a wrong file', () => {
  const run = 'run: node x';
  const traffic = 'traffic: { listen: 80 }';
  const cases: readonly (readonly [string, string, string])[] = [
    ['is empty', '', '1:1: expected a project: project, services and more, got nothing'],
    [
      'lacks a key',
      service(run),
      '3:3: services.web.traffic is missing; expected where the service listens, such as { listen: 8080 }',
    ],
    [
      'has a number for a duration',
      service(run, traffic, 'health: { readiness: { path: /r, interval: 5 } }'),
      '6:48: services.web.health.readiness.interval: expected a duration such as 500ms, 30s or 10m, got 5 (a number)',
    ],
    [
      'has a duration that no timer can wait for',
      service(run, 'traffic: { listen: 80, drain: 30d }'),
      '5:35: services.web.traffic.drain: expected a duration from 0ms to 7d, got "30d"',
    ],
    [
      'has a typing error in a key',
      service(run, traffic, 'instnaces: 2'),
      '6:5: services.web.instnaces: unknown key; did you mean instances?',
    ],
    [
      'has a key in the wrong place',
      service(run, traffic, 'drain: 5s'),
      '6:5: services.web.drain: does not belong here: requests have traffic.drain; only a worker (kind: worker) has drain',
    ],
    [
      'has a key of the top in a service',
      service(run, traffic, 'keep: { versions: 3 }'),
      '6:5: services.web.keep: unknown key here; it belongs at the top of the file',
    ],
    [
      'has a key of the file in a service',
      service(run, traffic, 'database: { a: 1 }'),
      '6:5: services.web.database: unknown key here; it belongs at the top of the file',
    ],
    [
      'tests two versions and does not say with whom',
      service(run, traffic, 'strategy: ab'),
      '6:15: services.web.strategy: expected rolling, blue-green, canary or handover, or { type, ... } with the details, got "ab"',
    ],
    [
      'lets requests wait in a handover for longer than they may',
      service(run, 'traffic: { listen: 8080, hold: 10s }', 'strategy: { type: handover, within: 10s }'),
      '6:41: services.web.strategy.within: requests may wait for 10s only (traffic.hold); expected less, so that the old version can still come back',
    ],
    [
      'asks for a handover where no request may wait',
      service(run, 'traffic: { listen: 8080, hold: 0 }', 'strategy: handover'),
      '5:36: services.web.traffic.hold: requests have to wait during a handover, and may not; expected some time',
    ],
    [
      'sets what Segue sets',
      service('run: { command: node x, env: { SEGUE_VERSION: 1 } }', traffic),
      '4:36: services.web.run.env.SEGUE_VERSION: expected the name of a variable other than PORT and SEGUE_*, which Segue sets itself, got "SEGUE_VERSION"',
    ],
    [
      'names a service with capitals',
      'project: p\nservices:\n  Web: { run: x, traffic: { listen: 80 } }',
      '3:3: services.Web: expected a name of lower-case letters, digits and "-", starting with a letter, at most 31 characters, got "Web"',
    ],
    [
      'has no service',
      'project: p\nservices: {}',
      '2:11: services: expected at least one service, got an empty map',
    ],
    [
      'gives two checks for one',
      service(run, traffic, 'health: { liveness: { path: /l, tcp: true } }'),
      '6:25: services.web.health.liveness: expected exactly one of path, url, tcp and command, got a map with path, tcp',
    ],
    [
      'has a port that there is not',
      service(run, 'traffic: { listen: "localhost:99999" }'),
      '5:24: services.web.traffic.listen: expected a port from 1 to 65535, got "localhost:99999"',
    ],
    ['has a key twice', service(run, run, traffic), '5:5: this key is given twice; expected each key once'],
    [
      'is not YAML',
      'project: [',
      '1:11: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    [
      'replaces nothing in a rolling release',
      service(run, traffic, 'strategy: { type: rolling, surge: 0 }'),
      '6:39: services.web.strategy.surge: surge and unavailable are both 0, so no instance could ever be replaced',
    ],
    [
      'lets every instance be missing',
      service(run, traffic, 'instances: 2', 'strategy: { type: rolling, unavailable: 2 }'),
      '7:45: services.web.strategy.unavailable: 2 of 2 instances may be missing, so none would have to serve; expected fewer',
    ],
    [
      'has a batch larger than its room',
      service(run, traffic, 'strategy: { type: rolling, batch: 5 }'),
      '6:39: services.web.strategy.batch: batch is 5, but surge and unavailable allow only 1 at a time',
    ],
    [
      'listens where instances get their ports',
      service(run, 'traffic: { listen: 20001 }'),
      '5:24: services.web.traffic.listen: 20001 lies in 20000-29999, which is kept for instances',
    ],
    [
      'copies requests to nobody',
      service(run, 'traffic: { listen: 80, shadow: { to: next } }'),
      '5:42: services.web.traffic.shadow.to: there is no service next',
    ],
    [
      'gives one route to two services',
      `${service(run, traffic)}\n  api: { run: x, traffic: { listen: 80, routes: [{ path: / }] } }`,
      '6:50: services.api.traffic.routes[0]: every host with / on port 80 already goes to web',
    ],
    [
      'binds one port on every address and on one',
      `${service(run, traffic)}\n  api: { run: x, traffic: { listen: "127.0.0.1:80" } }`,
      '6:37: services.api.traffic.listen: port 80 is taken on other addresses by web; expected the same address or another port',
    ],
  ];
  for (const [name, text, expected] of cases)
    test(name, () => assert.deepEqual(problemsOf(text), [`segue.yaml:${expected}`]));

  test('shows all problems at once, from top to bottom, and compares the services that are sound', () => {
    const text = `${service(run, traffic, 'instances: many')}
  a: { run: x, traffic: { listen: 81 } }
  b: { run: x, traffic: { listen: 81 }, x: 1 }
  c: { run: x, traffic: { listen: 81 } }`;
    assert.deepEqual(
      problemsOf(text).map((line) => line.split(': ')[0] ?? ''),
      ['segue.yaml:6:16', 'segue.yaml:8:41', 'segue.yaml:9:35'],
    );
  });

  test('cannot grow beyond measure by aliases', () => {
    const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i}, `.repeat(9)}]`);
    const [problem] = problemsOf(`l0: &l0 [x]\n${levels.join('\n')}`);
    assert.match(problem ?? '', /more than 200000 values, aliases included/);
  });
});

describe('an environment', () => {
  test('is laid over the file: maps merge, the rest stays', () => {
    const web = webOf(BASE, 'staging');
    assert.equal(web.instances, 1);
    assert.equal(web.traffic.listen.port, 8081);
    assert.equal(web.traffic.drain.requestsMs, 20_000);
    assert.equal(projectOf(BASE, 'staging').environment, 'staging');
  });

  test('replaces lists whole', () => {
    const text = `${BASE}  quick: { services: { web: { smoke: [] } } }\n`;
    assert.deepEqual(webOf(text, 'quick').smoke, []);
  });

  test('has its problems where it caused them', () => {
    const text = service(
      'run: x',
      'traffic: { listen: 80 }',
      'instances: 3',
      'strategy: { type: rolling, unavailable: 2 }',
    );
    const overlaid = `environments:\n  small: { services: { web: { instances: 2 } } }\n${text}`;
    assert.deepEqual(problemsOf(overlaid), []);
    assert.deepEqual(problemsOf(overlaid, 'small'), [
      'segue.yaml:2:42: services.web.instances: 2 of 2 instances may be missing, so none would have to serve; expected fewer',
    ]);
  });

  test('cannot change the name of the project', () => {
    const text = `${BASE}  other: { project: x }\n`;
    assert.deepEqual(problemsOf(text, 'other'), [
      'segue.yaml:19:12: environments.other.project: an environment cannot change this; expected services, keep, ports, gateway, database, flags',
    ]);
  });

  test('that is unknown is named with what there is', () => {
    assert.deepEqual(environmentNames(BASE), ['staging']);
    const ask = (environment: string) => () => parseProjectFile(BASE, 'segue.yaml', environment);
    const says = (detail: RegExp) => (error: unknown) =>
      error instanceof SegueError && error.code === 'ENVIRONMENT_UNKNOWN' && detail.test(error.detail);
    assert.throws(ask('stagin'), says(/did you mean "staging"/));
    assert.throws(ask('production'), says(/it has staging/));
  });
});

test('no text makes the parser throw, and every problem has a place in it', () => {
  const lines = BASE.split('\n');
  const mutated = fc
    .array(fc.record({ at: fc.nat(lines.length), line: fc.oneof(fc.constantFrom(...lines), fc.string()) }))
    .map((changes) => {
      const copy = [...lines];
      for (const { at, line } of changes) copy[at] = line;
      return copy.join('\n');
    });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.string({ maxLength: 200 })), (text) => {
      const result = parseProjectFile(text, 'segue.yaml', null);
      if (result.ok) return;
      const height = text.split(/\r\n|\n|\r/).length;
      assert.ok(result.problems.length > 0);
      for (const { place, message } of result.problems) {
        assert.ok(
          place.line >= 1 && place.line <= height && place.column >= 1,
          formatProblem({ place, message }),
        );
        assert.doesNotMatch(message, /undefined|\[object|Invalid input/);
      }
    }),
    { numRuns: 300 },
  );
});
