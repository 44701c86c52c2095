/**
 * Where Prometheus asks. Nobody's requests pass here, so Node's own server does; it moves and closes with the
 * settings of the routing.
 */
import type http from 'node:http';
import { isEveryAddress, listenKey } from '../../core/listen.ts';
import { limits } from '../../core/limits.ts';
import type { Listen } from '../../core/project.ts';
import { timer } from '../clock.ts';

export class MetricsEndpoint {
  readonly #text: () => Promise<string>;
  readonly #log: (line: string) => void;
  #key = '';
  #server: http.Server | null = null;
  #again: NodeJS.Timeout | undefined;

  constructor(text: () => Promise<string>, log: (line: string) => void) {
    this.#text = text;
    this.#log = log;
  }

  /** An address that cannot be had (the gateway before still has it) is tried again; traffic goes on without. */
  async apply(listen: Listen | null): Promise<void> {
    const key = listen ? listenKey(listen) : '';
    if (key === this.#key) return;
    this.close();
    if (!listen) return;
    const server = process
      .getBuiltinModule('node:http')
      .createServer((request, response) => void this.#answer(request, response));
    server.maxConnections = limits.gateway.metricsConnectionsMax;
    server.requestTimeout = limits.gateway.headTimeoutMs;
    try {
      await opened(server, listen);
      this.#server = server;
      this.#key = key;
      server.on('error', (error) => this.#log(`metrics: ${error.message}`));
    } catch (error) {
      this.#log(`metrics: ${error instanceof Error ? error.message : String(error)}`);
      this.#again = timer(() => void this.apply(listen), limits.gateway.metricsRetryMs);
    }
  }

  close(): void {
    clearTimeout(this.#again);
    this.#key = '';
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#server = null;
  }

  async #answer({ method, url }: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const found = url === '/metrics' || url?.startsWith('/metrics?') === true;
    if (!found || (method !== 'GET' && method !== 'HEAD')) {
      response.writeHead(found ? 405 : 404, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(found ? 'Use GET.\n' : 'Metrics are at /metrics.\n');
      return;
    }
    const text = await this.#text();
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(text);
  }
}

function opened(server: http.Server, { host, port }: Listen): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(isEveryAddress(host) ? {} : { host }) }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
