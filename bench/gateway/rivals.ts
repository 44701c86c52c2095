/**
 * The gateways that are compared, one thread each, on the same work: connections kept on both sides, least
 * connections, X-Forwarded-For, -Proto and -Host and Via set, no access log.
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULT_POLICY } from '../../src/core/traffic/policy.ts';
import { DEFAULT_SETTINGS } from '../../src/core/traffic/settings.ts';
import { systemClock } from '../../src/drivers/clock/system.ts';
import { GatewayPlane } from '../../src/drivers/traffic/gateway/gateway-plane.ts';
import { freePort } from '../../test/support/test-project.ts';
import { nginxFile } from './nginx.ts';
import { findProgram, pin, Program } from './programs.ts';

export type RivalName = 'segue' | 'haproxy' | 'nginx' | 'caddy';

export interface Rival {
  readonly name: RivalName;
  readonly port: number;
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly upstreamPort: number;
}

export interface Rivals {
  readonly running: readonly Rival[];
  readonly missing: readonly RivalName[];
}

export async function startRivals(folder: string, upstreamPort: number): Promise<Rivals> {
  const running = [await startSegue({ folder, upstreamPort, port: await freePort() })];
  const missing: RivalName[] = [];
  for (const name of ['haproxy', 'nginx', 'caddy'] as const) {
    const file = findProgram(name);
    if (file) running.push(await startProgram(name, file, { folder, upstreamPort, port: await freePort() }));
    else missing.push(name);
  }
  return { running, missing };
}

async function startProgram(name: 'haproxy' | 'nginx' | 'caddy', file: string, place: Place): Promise<Rival> {
  const program = await { haproxy: startHaproxy, nginx: startNginx, caddy: startCaddy }[name](file, place);
  await program.untilItListens(place.port);
  return { name, port: place.port, pids: program.pids, stop: () => program.stop() };
}

async function startSegue({ folder, port, upstreamPort }: Place): Promise<Rival> {
  const root = path.join(folder, 'segue');
  await fs.mkdir(root);
  const mainFile = fileURLToPath(new URL('../../src/main/gateway.ts', import.meta.url));
  const plane = new GatewayPlane({ root, mainFile, clock: systemClock });
  const pids: number[] = [];
  plane.onEvent((event) => {
    if (event.type === 'started') pids.push(event.pid);
  });
  await plane.open(1);
  for (const pid of pids) pin(0, pid);
  const backend = { id: 'upstream', version: 'v1', host: '127.0.0.1', port: upstreamPort };
  const service = {
    service: 'web',
    listen: { host: '127.0.0.1', port },
    proxied: true,
    routes: [{ host: null, path: '/' }],
    backends: [backend],
    split: null,
    rules: [],
    sticky: null,
    slowStartMs: 0,
    draining: [],
    hold: { forMs: 1_000, requestsMax: 1_000 },
    responseMs: 30_000,
    policy: DEFAULT_POLICY,
    tls: null,
    protocol: 'http1' as const,
  };
  await plane.apply({ number: 1, fence: 1, services: [service], settings: DEFAULT_SETTINGS });
  return { name: 'segue', port, pids, stop: () => plane.stop(0) };
}

async function startHaproxy(file: string, { folder, port, upstreamPort }: Place): Promise<Program> {
  const configuration = path.join(folder, 'haproxy.cfg');
  await fs.writeFile(
    configuration,
    `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 2s
  timeout client 75s
  timeout server 30s
  http-reuse always
  option forwardfor
frontend web
  bind 127.0.0.1:${port}
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  http-request add-header Via "1.1 haproxy"
  http-response add-header Via "1.1 haproxy"
  default_backend instances
backend instances
  balance leastconn
  server upstream 127.0.0.1:${upstreamPort}
`,
  );
  return new Program(0, file, ['-db', '-f', configuration]);
}

async function startNginx(file: string, { folder, port, upstreamPort }: Place): Promise<Program> {
  const configuration = await nginxFile(folder, 'rival', [
    `upstream instances { least_conn; server 127.0.0.1:${upstreamPort}; keepalive 256; keepalive_requests 1000000000; }`,
    `server { listen 127.0.0.1:${port} backlog=4096; location / { proxy_pass http://instances;`,
    '  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;',
    '  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;',
    '  proxy_set_header X-Forwarded-Host $host; proxy_set_header Via "1.1 nginx"; add_header Via "1.1 nginx"; } }',
  ]);
  return new Program(0, file, ['-c', configuration]);
}

async function startCaddy(file: string, { folder, port, upstreamPort }: Place): Promise<Program> {
  const configuration = path.join(folder, 'Caddyfile');
  await fs.writeFile(
    configuration,
    `{
  admin off
  auto_https off
  log {
    output discard
  }
}
http://127.0.0.1:${port} {
  reverse_proxy 127.0.0.1:${upstreamPort} {
    lb_policy least_conn
    header_up Via "1.1 caddy"
    header_down Via "1.1 caddy"
    transport http {
      keepalive_idle_conns_per_host 256
    }
  }
}
`,
  );
  const env = { GOMAXPROCS: '1', HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  return new Program(0, file, ['run', '--config', configuration, '--adapter', 'caddyfile'], env);
}
