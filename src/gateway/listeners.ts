/**
 * The listeners of the routing in force: opened on need, let go when no service uses them. Where the process has
 * inherited its sockets, only those are listened on: all others are another process's.
 */
import { closeSync } from 'node:fs';
import { listenKey, listenOf } from '../core/listen.ts';
import type { Listen } from '../core/project.ts';
import { addressesOf } from '../core/traffic/addresses.ts';
import { RouteTable } from '../core/traffic/match.ts';
import type { GatewaySettings } from '../core/traffic/settings.ts';
import { Listener, type ListenFailure, type ListenPlace, type Surroundings } from './listener.ts';
import { Redirect } from './redirect.ts';
import type { Service } from './service.ts';

export interface FailedListen {
  readonly listen: Listen;
  readonly code: ListenFailure;
  readonly detail: string;
}

/** By `listenKey`: the descriptors of bound sockets. */
export type InheritedSockets = ReadonlyMap<string, number>;

interface Wanted {
  readonly listen: Listen;
  readonly routes: RouteTable<Service>;
  readonly secure: boolean;
  readonly redirect: Redirect | null;
}

interface Missing extends Wanted {
  readonly key: string;
  readonly place: ListenPlace;
}

export class Listeners {
  readonly #surroundings: Surroundings;
  readonly #inherited: InheritedSockets | null;
  readonly #open = new Map<string, Listener>();
  readonly #leaving = new Set<Listener>();
  /** Inherited ones that were listened on (closing a listener closes its descriptor) or given up. */
  readonly #spent = new Set<string>();
  #released = false;

  /** Without inherited sockets every address is bound here. */
  constructor(surroundings: Surroundings, inherited: InheritedSockets | null) {
    this.#surroundings = surroundings;
    this.#inherited = inherited;
  }

  /**
   * Swaps the routes of all at once, between two requests; then opens and lets go. An address that could not be
   * had leaves the old ones open, so that what moved there is still served; so does `keep`.
   */
  async apply(
    services: readonly Service[],
    settings: Pick<GatewaySettings, 'redirect' | 'challenges'>,
    keep: boolean,
  ): Promise<FailedListen[]> {
    const wanted = this.#wanted(services, settings);
    const missing: Missing[] = [];
    for (const [key, each] of wanted) {
      const listener = this.#open.get(key);
      if (listener) update(listener, each);
      else missing.push(...this.#placeOf(each.listen).map((place) => ({ key, place, ...each })));
    }
    const left = () => [...this.#open.keys()].filter((key) => !wanted.has(key));
    // The same port on another address can only be had once the old one is free.
    for (const key of left())
      if (missing.some(({ listen }) => listenOf(key).port === listen.port)) this.#leave(key);
    const attempts = await Promise.all(missing.map((each) => this.#listen(each)));
    const failed = attempts.flat();
    if (failed.length === 0 && !keep) {
      for (const key of left()) this.#leave(key);
      this.#giveUp(wanted);
    }
    return failed;
  }

  /** Of the inherited ones, those that are listened on or still may be. */
  get sockets(): InheritedSockets {
    const all = [...(this.#inherited ?? [])];
    return new Map(all.filter(([key]) => !this.#released && (this.#open.has(key) || !this.#spent.has(key))));
  }

  /** No new connections; those that are open go on, under every further routing. */
  release(): void {
    this.#released = true;
    for (const listener of this.#open.values()) void listener.release();
  }

  /** The same, and those that are open end with their next response. */
  retire(): void {
    this.#released = true;
    for (const listener of this.#open.values()) void listener.retire();
  }

  /** Resolves when the last connection is gone, after `release` or `retire`. */
  async gone(): Promise<void> {
    const all = [...this.#open.values(), ...this.#leaving];
    await Promise.all(all.map((listener) => listener.release()));
  }

  /** Ends what is idle. Resolves when the last connection is gone. */
  async close(): Promise<void> {
    const all = [...this.#open.values(), ...this.#leaving];
    for (const listener of this.#open.values()) listener.routes = new RouteTable<Service>([]);
    await Promise.all(all.map((listener) => listener.close()));
  }

  /** Certificates or ticket keys changed. */
  refresh(): void {
    for (const listener of this.#open.values()) listener.refresh();
  }

  cut(): void {
    for (const listener of [...this.#open.values(), ...this.#leaving]) listener.cut();
  }

  /** By `listenKey`. */
  #wanted(
    services: readonly Service[],
    { redirect, challenges }: Pick<GatewaySettings, 'redirect' | 'challenges'>,
  ): Map<string, Wanted> {
    const sharing = Map.groupBy(services, (service) => listenKey(service.routing.listen));
    const routings = services.map(({ routing }) => routing);
    const isSecure = ({ routing }: Service) => routing.tls !== null;
    return new Map(
      addressesOf(routings, { redirect }).map((listen) => {
        const key = listenKey(listen);
        const here = sharing.get(key) ?? [];
        const leads = redirect !== null && key === listenKey(redirect);
        const wanted: Wanted = {
          listen,
          routes: routesOf(here),
          secure: here.some(isSecure),
          redirect: leads ? new Redirect(challenges, routesOf(services.filter(isSecure))) : null,
        };
        return [key, wanted];
      }),
    );
  }

  /** None where the address is another process's. */
  #placeOf(listen: Listen): ListenPlace[] {
    if (!this.#inherited) return [listen];
    const key = listenKey(listen);
    const fd = this.#inherited.get(key);
    return fd === undefined || this.#released || this.#spent.has(key) ? [] : [{ fd }];
  }

  async #listen({ key, place, ...wanted }: Missing): Promise<FailedListen[]> {
    const listener = new Listener(wanted.routes, this.#surroundings);
    update(listener, wanted);
    const failure = await listener.open(place);
    if (failure) return [{ listen: wanted.listen, ...failure }];
    this.#spent.add(key);
    this.#open.set(key, listener);
    return [];
  }

  /** Inherited addresses that nobody wants: whoever wants one later gets another socket, and so do all workers. */
  #giveUp(wanted: ReadonlyMap<string, Wanted>): void {
    for (const [key, fd] of this.#inherited ?? []) {
      if (wanted.has(key) || this.#spent.has(key)) continue;
      this.#spent.add(key);
      closeSync(fd);
    }
  }

  #leave(key: string): void {
    const listener = this.#open.get(key);
    if (!listener) return;
    this.#open.delete(key);
    this.#leaving.add(listener);
    void listener.retire().then(() => this.#leaving.delete(listener));
  }
}

function update(listener: Listener, { routes, secure, redirect }: Wanted): void {
  listener.routes = routes;
  listener.secure = secure;
  listener.redirect = redirect;
}

function routesOf(services: readonly Service[]): RouteTable<Service> {
  return new RouteTable(
    services.flatMap((service) => service.routing.routes.map((route) => [route, service] as const)),
  );
}
