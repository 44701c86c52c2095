/**
 * Turns rotations (what releases ask for) and readiness (what is true) into numbered routings, and waits for
 * the plane's word on them. One routing is on its way at a time; numbers only rise, whoever wrote the last
 * one (R3, R7). A rotation is durable before it is sent.
 */
import { SegueError } from '../core/errors.ts';
import type { EdgeRouting } from '../core/flags/edge.ts';
import type { WebService } from '../core/project.ts';
import type { Fact } from '../core/release/journal.ts';
import type { DirectCounts } from '../core/traffic/counts.ts';
import { drainOf, serviceRouting } from '../core/traffic/service-routing.ts';
import type { Rotation } from '../core/traffic/rotation.ts';
import type { Routing, ServiceRouting } from '../core/traffic/routing.ts';
import type { GatewaySettings } from '../core/traffic/settings.ts';
import type { Clock } from '../ports/clock.ts';
import type { RoutingAck, TrafficPlane } from '../ports/traffic-plane.ts';
import type { Fleet } from './fleet.ts';
import type { Ledger, Writing } from './ledger.ts';
import { until } from './until.ts';

const NUMBER_SETTING = 'routing-number';

export interface DirectorParts {
  readonly ports: { readonly plane: TrafficPlane; readonly clock: Clock };
  readonly ledger: Ledger;
  readonly fleet: Fleet;
  /** The web services: of segue.yaml, and those that left it and run on. */
  readonly services: () => readonly WebService[];
  readonly settings: () => GatewaySettings;
  /** What the gateway evaluates for the requests of a service. */
  readonly flagsOf: (service: WebService) => EdgeRouting | null;
  /** Flags that have to go down with a rotation, in the same write; null: none. `lowered` follows. */
  readonly following: (service: string, rotation: Rotation) => Pick<Writing, 'facts' | 'changes'> | null;
  readonly lowered: () => Promise<void>;
  readonly onFault: (error: unknown) => void;
}

export interface DrainOptions {
  readonly signal: AbortSignal;
  /** Of the limits of the service and this the shorter one holds. */
  readonly requestsMs: number;
}

export interface DrainOutcome {
  readonly tookMs: number;
  /** What was still under way when the limit passed; zero when everything ended by itself; null: unknown (R8). */
  readonly left: number | null;
}

export class TrafficDirector {
  readonly #parts: DirectorParts;
  readonly #ledger: Ledger;
  #number: number;
  /** What the plane is known to run; null while that is not known for sure. */
  #runs: { readonly content: string; readonly ack: RoutingAck } | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #inForce: number | null = null;
  #refreshing = false;

  constructor(parts: DirectorParts) {
    this.#parts = parts;
    this.#ledger = parts.ledger;
    this.#number = Number(parts.ledger.setting(NUMBER_SETTING) ?? 0);
  }

  /** The routing in force, as the plane acknowledged it last. */
  get inForce(): number | null {
    return this.#inForce;
  }

  /** The plane may know a higher number than the journal: the last control died before it wrote it. */
  startAfter(number: number | null): void {
    this.#number = Math.max(this.#number, number ?? 0);
  }

  /** Follows readiness from here on: whatever becomes ready or unready changes the routing at once. */
  followFleet(): () => void {
    return this.#parts.fleet.onChange(() => this.refresh());
  }

  refresh(): void {
    if (this.#refreshing) return;
    this.#refreshing = true;
    queueMicrotask(() => {
      this.#refreshing = false;
      this.apply().catch((error: unknown) => {
        // A plane that does not answer is reported by its events, and gets the newest routing when it is back.
        if (!isUnreachable(error)) this.#parts.onFault(error);
      });
    });
  }

  /**
   * Makes this rotation the service's own; resolves with the number under which the plane runs it. Throws
   * PORT_IN_USE or LISTEN_REFUSED when the service's address cannot be listened on.
   */
  async rotate(service: string, rotation: Rotation): Promise<number> {
    const { following, lowered } = this.#parts;
    const entries = await this.#ledger.write(() => {
      const { facts = [], changes = [] } = following(service, rotation) ?? {};
      const record = { ...this.#ledger.service(service), rotation };
      return { facts, changes: [...changes, { put: 'service', record }] };
    });
    if (entries.length > 0) await lowered();
    const ack = await this.apply();
    const listen = this.#parts.services().find(({ name }) => name === service)?.traffic.listen;
    const failed = ack.failed.find((f) => f.listen.port === listen?.port && f.listen.host === listen.host);
    if (failed) throw new SegueError(failed.code, failed.detail);
    return ack.number;
  }

  /** Sends what is true now, unless the plane runs exactly that; resolves with its word on it. */
  apply(): Promise<RoutingAck> {
    const result = this.#last.then(() => this.#apply());
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #apply(): Promise<RoutingAck> {
    const services = this.#services();
    const settings = this.#parts.settings();
    const content = JSON.stringify([services, settings]);
    if (content === this.#runs?.content) return this.#runs.ack;
    // Until the plane has answered, it may run this one, the one before, or this one in a while.
    this.#runs = null;
    this.#number += 1;
    const routing: Routing = { number: this.#number, fence: this.#ledger.fence, services, settings };
    const ack = await this.#parts.ports.plane.apply(routing);
    // An address that could not be bound is tried again with the next routing.
    if (ack.failed.length === 0) this.#runs = { content, ack };
    this.#inForce = ack.number;
    await this.#record(routing);
    return ack;
  }

  #services(): ServiceRouting[] {
    const routable = this.#parts.fleet.routable();
    return this.#parts.services().map((service) => ({
      ...serviceRouting(service, this.#ledger.service(service.name).rotation, routable),
      flags: this.#parts.flagsOf(service),
    }));
  }

  async #record({ number, services }: Routing): Promise<void> {
    const instances = services.flatMap((s) => s.backends.map((b) => b.id));
    const fact: Fact = { kind: 'routing-applied', number, instances };
    await this.#ledger.write(() => ({
      facts: [fact],
      changes: [{ put: 'setting', key: NUMBER_SETTING, value: String(number) }],
    }));
  }

  /**
   * Resolves when the plane has nothing under way on these instances, as said in a report that knows the
   * routing without them (R2), or when their limits have passed (T3). Rejects while the plane does not
   * acknowledge that routing.
   */
  async drained(
    service: WebService,
    instances: readonly string[],
    options: DrainOptions,
  ): Promise<DrainOutcome> {
    const { clock, plane } = this.#parts.ports;
    const { signal } = options;
    const startedMs = clock.monotonicMs();
    const drain = drainOf(service);
    const requestsMs = Math.min(drain.requestsMs, options.requestsMs);
    const streamsMs = Math.min(drain.streamsMs, options.requestsMs);
    const { number } = await this.apply();
    const done = (): boolean => {
      const under = this.#underWay(instances, number);
      const ageMs = clock.monotonicMs() - startedMs;
      if (!under) return false;
      return (under.requests === 0 || ageMs >= requestsMs) && (under.streams === 0 || ageMs >= streamsMs);
    };
    const withinMs = Math.max(requestsMs, streamsMs);
    await until(done, (check) => plane.onReport(check), { clock, withinMs, signal });
    const under = this.#underWay(instances, number);
    return { tookMs: clock.monotonicMs() - startedMs, left: under && under.requests + under.streams };
  }

  /** Null when the newest report is older than the routing: it says nothing about it (R8). */
  #underWay(instances: readonly string[], number: number): { requests: number; streams: number } | null {
    const report = this.#parts.ports.plane.report();
    if (!report || report.routing < number) return null;
    const counts = [...report.instances, ...report.direct].filter((i) => instances.includes(i.instance));
    const sum = (of: (i: DirectCounts) => number) => counts.reduce((total, i) => total + of(i), 0);
    return { requests: sum((i) => i.inFlight), streams: sum((i) => i.streams) };
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof SegueError && error.code === 'GATEWAY_UNREACHABLE';
}
