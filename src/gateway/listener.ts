/** One address that clients connect to. Lives as long as any service uses it; its routes change underneath (T4). */
import net from 'node:net';
import type { Listen } from '../core/project.ts';
import type { RouteTable } from '../core/traffic/match.ts';
import { limits } from '../core/limits.ts';
import type { Call } from './call.ts';
import { ClientConnection, type ClientOwner } from './client-connection.ts';
import { answer } from './replies.ts';
import { serve } from './serve.ts';
import type { Service } from './service.ts';
import type { Sweep } from './sweep.ts';

export type ListenFailure = 'PORT_IN_USE' | 'LISTEN_REFUSED';

export interface Surroundings {
  readonly sweep: Sweep;
  readonly log: (line: string) => void;
}

export class Listener implements ClientOwner {
  readonly #server: net.Server;
  readonly #surroundings: Surroundings;
  readonly #connections = new Set<ClientConnection>();
  #routes: RouteTable<Service>;
  #closing = false;

  constructor(routes: RouteTable<Service>, surroundings: Surroundings) {
    this.#routes = routes;
    this.#surroundings = surroundings;
    this.#server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      const connection = new ClientConnection(socket, this);
      this.#connections.add(connection);
      surroundings.sweep.add(connection);
    });
    this.#server.maxConnections = limits.gateway.connectionsMax;
  }

  set routes(routes: RouteTable<Service>) {
    this.#routes = routes;
  }

  get closing(): boolean {
    return this.#closing;
  }

  /** Resolves to null when it listens, else to why not. */
  open({ host, port }: Listen): Promise<{ code: ListenFailure; detail: string } | null> {
    return new Promise((resolve) => {
      const onError = (error: NodeJS.ErrnoException) => {
        const code = error.code === 'EADDRINUSE' ? 'PORT_IN_USE' : 'LISTEN_REFUSED';
        resolve({ code, detail: error.message });
      };
      this.#server.once('error', onError);
      // Without a host Node takes every interface, whether or not the machine has IPv6.
      const every = host === '' || host === '::';
      this.#server.listen({ port, ...(every ? {} : { host }) }, () => {
        this.#server.off('error', onError);
        this.#server.on('error', (error) =>
          this.#surroundings.log(`listener ${host}:${port}: ${error.message}`),
        );
        resolve(null);
      });
    });
  }

  /** No new connections; those that are open end with their next response. Resolves when all are gone. */
  close(): Promise<void> {
    this.#closing = true;
    for (const connection of this.#connections) connection.endIfIdle();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** Ends what is left, now. */
  cut(): void {
    for (const connection of this.#connections) connection.break();
  }

  dispatch(call: Call): void {
    const service = this.#routes.find(call.host, call.routePath);
    if (service) serve(service, call);
    else answer(call, this.#closing ? 'stopping' : 'no-route');
  }

  closed(connection: ClientConnection): void {
    this.#connections.delete(connection);
    this.#surroundings.sweep.delete(connection);
  }
}
