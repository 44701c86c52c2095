/**
 * Every service and instance that the gateway knows, kept by name across routings so that only what a routing
 * changes is touched (T4). Instances that are gone keep their counts for a while: a receipt is written after them.
 */
import { limits } from '../core/limits.ts';
import type { InstanceCounts, TrafficReport } from '../core/traffic/counts.ts';
import { Networks } from '../core/traffic/networks.ts';
import type { Backend, DrainingBackend, Routing, ServiceRouting } from '../core/traffic/routing.ts';
import { monotonicMs } from './clock.ts';
import { Eras } from './eras.ts';
import { FailureRing } from './failure-ring.ts';
import { HoldSpace } from './hold.ts';
import { Instance } from './instance.ts';
import { Service, type RoutingSurroundings } from './service.ts';
import { ServiceTally } from './service-tally.ts';
import type { Sweep } from './sweep.ts';

type CountedRows = Pick<TrafficReport, 'instances' | 'services' | 'assigned' | 'running'>;

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
  readonly #onIdle: () => void;
  #retiring = false;
  #trusted: readonly string[] = [];
  #trust = new Networks([]);

  /** `onIdle`: an instance out of rotation has nothing under way any more. */
  constructor(sweep: Sweep, onIdle: () => void) {
    this.#sweep = sweep;
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

  /** One synchronous change; whoever waited for an instance may go afterwards. */
  apply(routing: Routing): void {
    this.#eras.begin(routing.number);
    this.#trustIn(routing.settings.trust);
    const inRotation = new Set<string>();
    for (const next of routing.services) {
      for (const backend of next.backends) {
        inRotation.add(backend.id);
        this.#enter(next, backend);
      }
    }
    const draining = new Map(routing.services.flatMap((next) => next.draining.map((d) => [d.id, d])));
    for (const instance of this.#instances.values()) {
      if (!inRotation.has(instance.id)) this.#takeOut(instance, draining.get(instance.id));
    }
    const surroundings = this.#surroundingsOf(routing);
    for (const next of routing.services) this.#update(next, surroundings);
    this.#retireAllBut(new Set(routing.services.map(({ service }) => service)));
    this.forgetGone();
  }

  /** Every count there is. */
  rows(): CountedRows {
    return {
      instances: this.instances.map((instance) => instance.counts()),
      services: [...this.#tallies.values()].map((tally) => tally.counts()),
      assigned: [...this.#tallies.values()].flatMap((tally) => tally.assigned()),
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
    const { goneInstancesForMs, goneInstancesMax } = limits.gateway;
    const beforeMs = monotonicMs() - goneInstancesForMs;
    let surplus = this.#goneSinceMs.size - goneInstancesMax;
    for (const [instance, sinceMs] of this.#goneSinceMs) {
      if (!instance.tally.idle) continue;
      if (sinceMs > beforeMs && surplus <= 0) break;
      this.#goneSinceMs.delete(instance);
      this.#instances.delete(instance.id);
      this.#forgotten.push(instance.id);
      surplus -= 1;
    }
  }

  #enter({ service, protocol }: ServiceRouting, backend: Backend): void {
    let instance = this.#instances.get(backend.id);
    if (!instance) {
      instance = new Instance(service, backend, {
        protocol,
        sweep: this.#sweep,
        onIdle: ({ place }) => {
          if (place !== 'rotation') this.#onIdle();
        },
      });
      this.#instances.set(backend.id, instance);
      if (this.#retiring) instance.retire();
    }
    this.#goneSinceMs.delete(instance);
    instance.enterRotation(backend, protocol);
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

  #surroundingsOf({ settings: { geo, stickyKey, workers } }: Routing): RoutingSurroundings {
    const trust = this.#trust;
    return {
      trust,
      geo: geo && { header: geo.header, trust },
      stickyKey,
      instanceOf: (id) => this.#instances.get(id),
      serviceOf: (name) => this.#services.get(name),
      share: 1 / (workers ?? 1),
    };
  }

  /** The same set as long as nothing changes: what is known of a client by it stays. */
  #trustIn(networks: readonly string[]): void {
    if (networks.join() === this.#trusted.join()) return;
    this.#trusted = networks;
    this.#trust = new Networks(networks);
  }

  #update(next: ServiceRouting, surroundings: RoutingSurroundings): void {
    let service = this.#services.get(next.service);
    if (!service) this.#services.set(next.service, (service = this.#newService(next)));
    service.update(next, surroundings);
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

  #retireAllBut(names: ReadonlySet<string>): void {
    for (const [name, service] of this.#services) {
      if (names.has(name)) continue;
      service.retire();
      this.#services.delete(name);
    }
    this.#forgetTallies();
  }
}
