/**
 * Every service and instance that the gateway knows, kept by name across routings so that only what a routing
 * changes is touched (T4). Instances that are gone keep their counts for a while: a receipt is written after them.
 */
import { setImmediate } from 'node:timers/promises';
import { limits } from '../core/limits.ts';
import type { InstanceCounts, TrafficReport } from '../core/traffic/counts.ts';
import type { Geo } from '../core/traffic/matcher.ts';
import { Networks } from '../core/traffic/networks.ts';
import type { Backend, DrainingBackend, Routing, ServiceRouting } from '../core/traffic/routing.ts';
import type { GatewaySettings } from '../core/traffic/settings.ts';
import { monotonicMs } from './clock.ts';
import type { CountryFile } from './country-file.ts';
import { Eras } from './eras.ts';
import { FailureRing } from './failure-ring.ts';
import { HoldSpace } from './hold.ts';
import { Instance } from './instance.ts';
import { Service, type RoutingSurroundings } from './service.ts';
import { ServiceTally } from './service-tally.ts';
import type { Sweep } from './sweep.ts';

type CountedRows = Pick<
  TrafficReport,
  'instances' | 'services' | 'assigned' | 'shadows' | 'flags' | 'running'
>;

type Countries = Pick<CountryFile, 'countryOf'>;

const NOTHING: readonly never[] = [];

/** Of a routing that is on its way. */
interface Coming {
  surroundings: RoutingSurroundings;
  readonly services: Map<string, { readonly service: Service; readonly allNew: boolean }>;
  readonly instances: Instance[];
}

const NO_SURROUNDINGS: RoutingSurroundings = {
  ...{ key: '', trust: new Networks([]), geo: null, stickyKey: null },
  instanceOf: () => undefined,
  serviceOf: () => undefined,
  share: 1,
};

const nothingComing = (surroundings: RoutingSurroundings): Coming => ({
  ...{ surroundings, services: new Map(), instances: [] },
});

export class Fleet {
  readonly #services = new Map<string, Service>();
  readonly #instances = new Map<string, Instance>();
  readonly #goneSinceMs = new Map<Instance, number>();
  readonly #tallies = new Map<string, ServiceTally>();
  readonly #holdSpace = new HoldSpace();
  readonly #eras = new Eras();
  readonly #failures = new FailureRing();
  #forgotten: string[] = [];
  readonly #sweep: Sweep;
  readonly #countries: Countries;
  readonly #onIdle: () => void;
  #retiring = false;
  #surroundings: RoutingSurroundings = NO_SURROUNDINGS;
  #coming = nothingComing(NO_SURROUNDINGS);

  /** `onIdle`: an instance out of rotation has nothing under way any more. */
  constructor(sweep: Sweep, countries: Countries, onIdle: () => void) {
    this.#sweep = sweep;
    this.#countries = countries;
    this.#onIdle = onIdle;
  }

  get services(): readonly Service[] {
    return [...this.#services.values()];
  }

  /** Those that users reach through the gateway. */
  get proxied(): readonly Service[] {
    return this.services.filter(({ routing }) => routing.proxied);
  }

  get instances(): readonly Instance[] {
    return [...this.#instances.values()];
  }

  get idle(): boolean {
    return this.instances.every(({ tally }) => tally.idle);
  }

  /** A routing is on its way; what was made for another one that did not come is thrown away. */
  expect(settings: GatewaySettings): void {
    for (const { id } of this.#coming.instances) this.#instances.delete(id);
    this.#coming = nothingComing(this.#surroundingsFor(settings));
  }

  /** Makes what these services of it need, so that `apply` only puts it in its place. Nothing is used before. */
  prepare(parts: readonly ServiceRouting[]): void {
    const { surroundings, services, instances } = this.#coming;
    for (const next of parts) {
      const before = instances.length;
      for (const backend of next.backends) this.#instanceFor(next, backend);
      if (this.#services.has(next.service)) continue;
      const service = this.#newService(next);
      service.update(next, surroundings);
      const allNew = instances.length === before + next.backends.length && next.draining.length === 0;
      services.set(next.service, { service, allNew });
    }
  }

  /**
   * One synchronous change, of what is not as it was; whoever waited for an instance may go afterwards. What many
   * services have to do for it is spread over several turns, but each does it before its next request. Resolves when
   * all of it is done.
   */
  apply(routing: Routing): Promise<void> {
    this.#eras.begin(routing.number);
    const surroundings = this.#surroundingsFor(routing.settings);
    const alike = surroundings === this.#surroundings;
    this.#surroundings = surroundings;
    const names = new Set<string>();
    const work: (() => void)[] = [];
    for (const next of routing.services) {
      names.add(next.service);
      const service = this.#services.get(next.service);
      if (service?.routing === next && alike) continue;
      if (service) {
        const before = service.routing;
        service.change(next, () => {
          this.#place(before, next);
          service.update(next, surroundings);
        });
        work.push(() => service.settle());
      } else {
        this.#services.set(next.service, this.#comingService(next, surroundings));
      }
    }
    work.push(...this.#retiredBut(names));
    this.#coming = nothingComing(surroundings);
    return inTurns(work);
  }

  /** Every count there is. */
  rows(): CountedRows {
    return {
      instances: this.instances.map((instance) => instance.counts()),
      services: [...this.#tallies.values()].map((tally) => tally.counts()),
      assigned: [...this.#tallies.values()].flatMap((tally) => tally.assigned()),
      shadows: [...this.#tallies.values()].flatMap((tally) => tally.shadows()),
      flags: [...this.#tallies.values()].flatMap((tally) => tally.flags()),
      running: this.#eras.running(),
    };
  }

  /** What was counted since the last call, and what failed. */
  changes(): CountedRows & Pick<TrafficReport, 'failures' | 'failuresMissed' | 'forgotten'> {
    const instances: InstanceCounts[] = [];
    for (const instance of this.#instances.values()) {
      if (!instance.tally.changed) continue;
      instances.push(instance.counts());
      instance.tally.told();
    }
    const tallies = [...this.#tallies.values()].map((tally) => tally.changes());
    const { events, missed } = this.#failures.take();
    const forgotten = this.#forgotten;
    this.#forgotten = [];
    return {
      instances,
      services: tallies.flatMap(({ service }) => service ?? []),
      assigned: tallies.flatMap(({ assigned }) => assigned),
      shadows: tallies.flatMap(({ shadows }) => shadows),
      flags: tallies.flatMap(({ flags }) => flags),
      running: this.#eras.running(),
      failures: events,
      failuresMissed: missed,
      forgotten,
    };
  }

  releaseHeld(): void {
    for (const service of this.#services.values()) {
      if (service.hasInstances) service.letGo();
    }
  }

  /** Streams of all instances, those that come later included, are told to reconnect. */
  retire(): void {
    this.#retiring = true;
    for (const instance of this.#instances.values()) instance.retire();
  }

  endHeld(): void {
    for (const service of this.#services.values()) service.hold.endAll();
  }

  /** The oldest ones first; never one that has something under way. */
  forgetGone(): void {
    const { goneInstancesForMs, goneInstancesMax, forgottenAtOnceMax } = limits.gateway;
    const beforeMs = monotonicMs() - goneInstancesForMs;
    let surplus = this.#goneSinceMs.size - goneInstancesMax;
    let left: number = forgottenAtOnceMax;
    for (const [instance, sinceMs] of this.#goneSinceMs) {
      if (!instance.tally.idle) continue;
      if (left <= 0 || (sinceMs > beforeMs && surplus <= 0)) break;
      left -= 1;
      this.#goneSinceMs.delete(instance);
      this.#instances.delete(instance.id);
      this.#forgotten.push(instance.id);
      surplus -= 1;
    }
  }

  /** No service has it before the routing is in force. */
  #instanceFor({ service, protocol }: ServiceRouting, backend: Backend): Instance {
    const known = this.#instances.get(backend.id);
    if (known) return known;
    const made = new Instance(service, backend, {
      protocol,
      sweep: this.#sweep,
      onIdle: ({ place }) => {
        if (place !== 'rotation') this.#onIdle();
      },
    });
    this.#instances.set(backend.id, made);
    this.#coming.instances.push(made);
    if (this.#retiring) made.retire();
    return made;
  }

  /** Every instance of one service goes where the routing has it. */
  #place(before: ServiceRouting | null, next: ServiceRouting): void {
    for (const backend of next.backends) this.#enter(next, backend);
    for (const { id } of before?.backends ?? NOTHING) this.#placeOther(id, next);
    for (const { id } of before?.draining ?? NOTHING) this.#placeOther(id, next);
    for (const { id } of next.draining) this.#placeOther(id, next);
  }

  /** One that was there before, or drains now. */
  #placeOther(id: string, { backends, draining }: ServiceRouting): void {
    if (backends.some((each) => each.id === id)) return;
    const instance = this.#instances.get(id);
    if (!instance) return;
    this.#takeOut(
      instance,
      draining.find((each) => each.id === id),
    );
  }

  #enter(service: ServiceRouting, backend: Backend): void {
    const instance = this.#instanceFor(service, backend);
    this.#goneSinceMs.delete(instance);
    instance.enterRotation(backend, service.protocol);
  }

  #takeOut(instance: Instance, draining: DrainingBackend | undefined): void {
    if (draining) {
      this.#goneSinceMs.delete(instance);
      instance.drain(draining);
    } else {
      instance.leave();
      if (!this.#goneSinceMs.has(instance)) this.#goneSinceMs.set(instance, monotonicMs());
    }
  }

  /** The same object as long as nothing in it changes: what is known of a client by it stays. */
  #surroundingsFor(settings: GatewaySettings): RoutingSurroundings {
    const { countryFile, stickyKey, workers } = settings;
    const key = JSON.stringify([settings.trust, settings.geo, countryFile, stickyKey, workers]);
    const known = [this.#surroundings, this.#coming.surroundings].find((each) => each.key === key);
    if (known) return known;
    const trust = new Networks(settings.trust);
    return {
      ...{ key, trust, stickyKey, geo: this.#geoOf(settings, trust) },
      instanceOf: (id) => this.#instances.get(id),
      serviceOf: (name) => this.#services.get(name),
      share: 1 / (workers ?? 1),
    };
  }

  #geoOf({ geo, countryFile }: GatewaySettings, trust: Networks): Geo | null {
    if (geo === null && countryFile === null) return null;
    return { header: geo?.header ?? null, trust, countryOf: (address) => this.#countries.countryOf(address) };
  }

  /** One that is not there yet: as it was prepared, if it was. */
  #comingService(next: ServiceRouting, surroundings: RoutingSurroundings): Service {
    const prepared = this.#coming.services.get(next.service);
    const fits = prepared?.service.routing === next && surroundings === this.#coming.surroundings;
    // New instances are where they belong.
    if (prepared && fits && prepared.allNew) return prepared.service;
    this.#place(null, next);
    if (prepared && fits) return prepared.service;
    const made = this.#newService(next);
    made.update(next, surroundings);
    return made;
  }

  #newService(next: ServiceRouting): Service {
    let tally = this.#tallies.get(next.service);
    if (!tally) tally = new ServiceTally(next.service, this.#failures);
    this.#tallies.delete(next.service);
    this.#tallies.set(next.service, tally);
    return new Service(next, { space: this.#holdSpace, tally, eras: this.#eras });
  }

  /** Of services that left long ago; a whole project can be replaced and its counts are still there. */
  #forgetTallies(): void {
    for (const name of this.#tallies.keys()) {
      if (this.#tallies.size - this.#services.size <= limits.gateway.goneServicesMax) return;
      if (!this.#services.has(name)) this.#tallies.delete(name);
    }
  }

  /** Nothing leads to the others from now on; what is left to do for them. */
  #retiredBut(names: ReadonlySet<string>): (() => void)[] {
    const gone = [...this.#services].filter(([name]) => !names.has(name));
    for (const [name] of gone) this.#services.delete(name);
    this.#forgetTallies();
    return gone.map(([name, service]) => () => {
      for (const { id } of [...service.routing.backends, ...service.routing.draining]) {
        const instance = this.#instances.get(id);
        if (instance?.service === name) this.#takeOut(instance, undefined);
      }
      service.retire();
    });
  }
}

/** The first ones at once. */
async function inTurns(work: readonly (() => void)[]): Promise<void> {
  const { servicesAtOnce } = limits.gateway;
  for (let at = 0; at < work.length; at += servicesAtOnce) {
    if (at > 0) await setImmediate();
    for (const act of work.slice(at, at + servicesAtOnce)) act();
  }
}
