/** This gateway, from the compiled program that is published. */
import fs from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULT_POLICY } from '../../src/core/traffic/policy.ts';
import type { ServiceRouting } from '../../src/core/traffic/routing.ts';
import { DEFAULT_SETTINGS, type GatewaySettings } from '../../src/core/traffic/settings.ts';
import { systemClock } from '../../src/drivers/clock/system.ts';
import { GatewayPlane } from '../../src/drivers/traffic/gateway/gateway-plane.ts';
import { somePort } from '../../test/contract/some-port.ts';
import { pin, withChildren } from './programs.ts';
import type { Place, Rival } from './rival.ts';
import { WEBSOCKET_PATH } from './paths.ts';

const MAIN_FILE = fileURLToPath(new URL('../../dist/bundle/gateway.js', import.meta.url));

export type SegueName = 'segue' | 'segue, net' | 'segue, seen';

/** Takes away what `src/gateway/tcp-handle.ts` looks for. */
const NO_HANDLES = `--import=${new URL('no-handles.ts', import.meta.url).pathname}`;

/** `net`: on documented sockets only. `seen`: with an access log of every request, and metrics. */
export async function startSegue(name: SegueName, place: Place): Promise<Rival> {
  const root = path.join(place.folder, name.replace(', ', '-'));
  await fs.mkdir(root);
  const plane = new GatewayPlane({ root, mainFile: MAIN_FILE, clock: systemClock });
  const started: number[] = [];
  plane.onEvent((event) => {
    if (event.type === 'started') started.push(event.pid);
  });
  await openWith(name === 'segue, net' ? { NODE_OPTIONS: NO_HANDLES } : {}, () => plane.open(1));
  const settings = await settingsOf(name, place);
  const services = servicesOf(place);
  const { failed } = await plane.apply({ number: 1, fence: 1, services, settings });
  if (failed.length > 0) {
    await plane.stop(0);
    throw new Error(`segue cannot listen: ${JSON.stringify(failed)}`);
  }
  const pids = () => withChildren(started);
  for (const pid of pids()) pin(0, pid);
  const tlsPort = place.certificate ? place.tlsPort : null;
  return { name, port: place.port, tlsPort, pids, stop: () => plane.stop(0) };
}

/** What is started meanwhile has these in its environment. */
async function openWith(environment: NodeJS.ProcessEnv, open: () => Promise<unknown>): Promise<void> {
  const before = { ...process.env };
  Object.assign(process.env, environment);
  try {
    await open();
  } finally {
    process.env = before;
  }
}

async function settingsOf(name: string, { certificate }: Place): Promise<GatewaySettings> {
  const certificates = certificate ? [{ certificate: certificate.certificate, key: certificate.key }] : [];
  // As the others: one that serves.
  const settings = { ...DEFAULT_SETTINGS, workers: 1, certificates };
  if (name !== 'segue, seen') return settings;
  return {
    ...settings,
    metrics: { host: '127.0.0.1', port: await somePort() },
    accessLog: { samplePercent: 100, query: true },
  };
}

function servicesOf({ port, tlsPort, upstreamPort, echoPort, certificate }: Place): ServiceRouting[] {
  const plain = service('web', { port, path: '/', upstreamPort });
  const messages = service('messages', { port, path: WEBSOCKET_PATH, upstreamPort: echoPort });
  const secure = service('secure', { port: tlsPort, path: '/', upstreamPort });
  return certificate ? [plain, messages, { ...secure, tls: { hstsMs: null } }] : [plain, messages];
}

function service(
  name: string,
  { port, path: prefix, upstreamPort }: { port: number; path: string; upstreamPort: number },
): ServiceRouting {
  return {
    service: name,
    listen: { host: '127.0.0.1', port },
    proxied: true,
    routes: [{ host: null, path: prefix }],
    backends: [{ id: `${name}-1`, version: 'v1', host: '127.0.0.1', port: upstreamPort }],
    split: null,
    rules: [],
    shadow: null,
    sticky: null,
    flags: null,
    slowStartMs: 0,
    draining: [],
    hold: { forMs: 1_000, requestsMax: 1_000 },
    responseMs: 30_000,
    policy: DEFAULT_POLICY,
    tls: null,
    protocol: 'http1',
  };
}
