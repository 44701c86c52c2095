/**
 * Where Prometheus asks. Nobody's requests pass here, so Node's own server does; it moves and closes with the
 * settings of the routing.
 */
import http from 'node:http';
import { isEveryAddress, listenKey } from '../../core/listen.ts';
import { limits } from '../../core/limits.ts';
import type { Listen } from '../../core/project.ts';

export class MetricsEndpoint {
  readonly #text: () => string;
  readonly #log: (line: string) => void;
  #key = '';
  #server: http.Server | null = null;

  constructor(text: () => string, log: (line: string) => void) {
    this.#text = text;
    this.#log = log;
  }

  /** An address that cannot be had is tried again with the next routing; traffic goes on without metrics. */
  async apply(listen: Listen | null): Promise<void> {
    const key = listen ? listenKey(listen) : '';
    if (key === this.#key) return;
    this.close();
    if (!listen) return;
    const server = http.createServer((request, response) => this.#answer(request, response));
    server.maxConnections = limits.gateway.metricsConnectionsMax;
    server.requestTimeout = limits.gateway.headTimeoutMs;
    try {
      await opened(server, listen);
      this.#server = server;
      this.#key = key;
      server.on('error', (error) => this.#log(`metrics: ${error.message}`));
    } catch (error) {
      this.#log(`metrics: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  close(): void {
    this.#key = '';
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#server = null;
  }

  #answer({ method, url }: http.IncomingMessage, response: http.ServerResponse): void {
    const found = url === '/metrics' || url?.startsWith('/metrics?') === true;
    if (!found || (method !== 'GET' && method !== 'HEAD')) {
      response.writeHead(found ? 405 : 404, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(found ? 'Use GET.\n' : 'Metrics are at /metrics.\n');
      return;
    }
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(this.#text());
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
