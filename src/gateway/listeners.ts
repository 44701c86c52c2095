/** The listeners of the routing in force: opened on need, closed when no service uses them. */
import type { Listen } from '../core/project.ts';
import { RouteTable } from '../core/traffic/match.ts';
import { Listener, type ListenFailure, type Surroundings } from './listener.ts';
import type { Service } from './service.ts';

export interface FailedListen {
  readonly listen: Listen;
  readonly code: ListenFailure;
  readonly detail: string;
}

export class Listeners {
  readonly #surroundings: Surroundings;
  readonly #open = new Map<string, Listener>();
  readonly #closing = new Set<Listener>();

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /**
   * Swaps the routes of all at once, between two requests; then opens and closes. An address that could not be
   * had leaves the old ones open, so that what moved there is still served.
   */
  async apply(services: readonly Service[]): Promise<FailedListen[]> {
    const wanted = Map.groupBy(services, (service) => keyOf(service.routing.listen));
    const missing: { key: string; listen: Listen; routes: RouteTable<Service> }[] = [];
    for (const [key, sharing] of wanted) {
      const routes = routesOf(sharing);
      const listener = this.#open.get(key);
      const listen = sharing[0]?.routing.listen;
      if (listener) listener.routes = routes;
      else if (listen) missing.push({ key, listen, routes });
    }
    const left = () => [...this.#open.keys()].filter((key) => !wanted.has(key));
    // The same port on another address can only be had once the old one is free.
    for (const key of left()) if (missing.some(({ listen }) => portOf(key) === listen.port)) this.#leave(key);
    const attempts = await Promise.all(
      missing.map(async ({ key, listen, routes }) => {
        const listener = new Listener(routes, this.#surroundings);
        const failure = await listener.open(listen);
        if (failure) return [{ listen, ...failure }];
        this.#open.set(key, listener);
        return [];
      }),
    );
    const failed = attempts.flat();
    if (failed.length === 0) for (const key of left()) this.#leave(key);
    return failed;
  }

  /** Resolves when the last connection is gone. */
  async close(): Promise<void> {
    const all = [...this.#open].map(([key, listener]) => this.#close(key, listener));
    await Promise.all(all);
  }

  cut(): void {
    for (const listener of this.#closing) listener.cut();
  }

  #leave(key: string): void {
    const listener = this.#open.get(key);
    if (listener) void this.#close(key, listener);
  }

  async #close(key: string, listener: Listener): Promise<void> {
    listener.routes = new RouteTable<Service>([]);
    this.#open.delete(key);
    this.#closing.add(listener);
    await listener.close();
    this.#closing.delete(listener);
  }
}

const keyOf = ({ host, port }: Listen) => `${host === '' ? '::' : host} ${port}`;
const portOf = (key: string) => Number(key.slice(key.lastIndexOf(' ')));

function routesOf(services: readonly Service[]): RouteTable<Service> {
  return new RouteTable(
    services.flatMap((service) => service.routing.routes.map((route) => [route, service] as const)),
  );
}
