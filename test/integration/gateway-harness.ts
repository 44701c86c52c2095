/** A real gateway process, instances and clients that do not retry, for the tests of the gateway. */
import { once } from 'node:events';
import fs from 'node:fs/promises';
import http from 'node:http';
import net, { type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { InstanceCounts } from '../../src/core/traffic/counts.ts';
import { DEFAULT_POLICY } from '../../src/core/traffic/policy.ts';
import type { Backend, ServiceRouting } from '../../src/core/traffic/routing.ts';
import { DEFAULT_SETTINGS, type GatewaySettings } from '../../src/core/traffic/settings.ts';
import { systemClock } from '../../src/drivers/clock/system.ts';
import { GatewayPlane } from '../../src/drivers/traffic/gateway/gateway-plane.ts';
import { portOf, somePort } from '../contract/some-port.ts';
import { program } from '../support/program.ts';
import type { RoutingAck } from '../../src/ports/traffic-plane.ts';

export const GATEWAY_MAIN = program('src/main/gateway.ts');

export interface Harness {
  readonly plane: GatewayPlane;
  readonly root: string;
  readonly pid: number;
  /** Where clients connect. */
  readonly port: number;
  /** Of the routings from now on. */
  settings: Partial<GatewaySettings>;
  /** Applies a routing with the next number; one service named `web` unless told otherwise. */
  route(...services: readonly Partial<ServiceRouting>[]): Promise<RoutingAck>;
  counts(instance: string): InstanceCounts | undefined;
}

export async function startGateway(
  t: TestContext,
  settings: Partial<GatewaySettings> = {},
  mainFile: string = GATEWAY_MAIN,
): Promise<Harness> {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'gateway-test-'));
  const plane = new GatewayPlane({ root, mainFile, clock: systemClock });
  let pid = 0;
  plane.onEvent((event) => {
    if (event.type !== 'lost') pid = event.pid;
  });
  await plane.open(1);
  t.after(async () => {
    await plane.stop(0);
    // New code that failed to follow may still write its last line.
    await fs.rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  const port = await somePort();
  let number = 0;
  const harness: Harness = {
    plane,
    root,
    settings,
    port,
    get pid() {
      return pid;
    },
    route: (...services) => {
      number += 1;
      return plane.apply({
        ...{ number, fence: 1, settings: { ...DEFAULT_SETTINGS, workers: 1, ...harness.settings } },
        services: services.map((s) => serviceRouting(port, s)),
      });
    },
    counts: (instance) => plane.report()?.instances.find((counts) => counts.instance === instance),
  };
  return harness;
}

export function serviceRouting(port: number, some: Partial<ServiceRouting>): ServiceRouting {
  return {
    service: 'web',
    listen: { host: '127.0.0.1', port },
    proxied: true,
    routes: [{ host: null, path: '/' }],
    backends: [],
    split: null,
    rules: [],
    shadow: null,
    sticky: null,
    flags: null,
    slowStartMs: 0,
    draining: [],
    hold: { forMs: 10_000, requestsMax: 100 },
    responseMs: 30_000,
    policy: DEFAULT_POLICY,
    tls: null,
    protocol: 'http1',
    ...some,
  };
}

/** Requests one after the other, each on a connection of its own; the statuses in order. */
export async function statusesOf(port: number, count: number, options: Ask = {}): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < count; i += 1) statuses.push((await ask(port, options)).status);
  return statuses;
}

export interface App extends Backend {
  readonly server: http.Server;
  /** Ends it as a crash does: listener and connections at once. */
  kill(): void;
}

/** An instance in this process. It answers with its id unless `handle` says otherwise. */
export async function startApp(
  t: TestContext,
  id: string,
  handle: http.RequestListener = (req, res) => {
    req.resume().once('end', () => res.end(id));
  },
  backlog?: number,
): Promise<App> {
  const server = http.createServer(handle);
  // Longer than any pause of a test: an instance that closes idle connections is a test of its own.
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', backlog);
  await once(server, 'listening');
  const kill = () => {
    server.close();
    server.closeAllConnections();
  };
  t.after(kill);
  return { id, version: 'v1', host: '127.0.0.1', port: portOf(server.address()), server, kill };
}

export interface RawServer extends Backend {
  readonly sockets: Set<Socket>;
}

/** An instance on the level of bytes. */
export async function startRaw(
  t: TestContext,
  id: string,
  onSocket: (socket: Socket) => void,
): Promise<RawServer> {
  const sockets = new Set<Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { id, version: 'v1', host: '127.0.0.1', port: portOf(server.address()), sockets };
}

export const backendOf = ({ id, version, host, port }: Backend): Backend => ({ id, version, host, port });

/** A connection on the level of bytes; everything received is kept as latin1 text. */
export class RawClient {
  readonly socket: Socket;
  received = '';
  ended = false;
  #wake: () => void = () => undefined;

  constructor(t: TestContext, port: number) {
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
      this.#wake();
    });
    const over = () => {
      this.ended = true;
      this.#wake();
    };
    this.socket.on('error', over).once('end', over).once('close', over);
    t.after(() => this.socket.destroy());
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Waits until what was received fits, and takes nothing away. */
  async until(fits: (received: string) => boolean, what: string): Promise<string> {
    const deadline = AbortSignal.timeout(60_000);
    while (!fits(this.received)) {
      if (this.ended) throw new Error(`ended before ${what}: ${JSON.stringify(this.received.slice(-500))}`);
      if (deadline.aborted) throw new Error(`never ${what}: ${JSON.stringify(this.received.slice(-500))}`);
      await this.#next();
    }
    return this.received;
  }

  async untilEnd(): Promise<string> {
    while (!this.ended) await this.#next();
    return this.received;
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 50);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly trailers: NodeJS.Dict<string>;
  readonly body: Buffer;
}

export interface Ask extends http.RequestOptions {
  readonly body?: string | Buffer;
}

/** One request; never tried again. Fails when the response is cut short. */
export function ask(port: number, options: Ask = {}): Promise<Answer> {
  const { body, ...rest } = options;
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, agent: false, ...rest }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          rawHeaders: response.rawHeaders,
          trailers: response.trailers,
          body: Buffer.concat(chunks),
        }),
      );
    });
    request.once('error', reject);
    request.end(body);
  });
}

export const textOf = async (answer: Promise<Answer>): Promise<string> => (await answer).body.toString();
