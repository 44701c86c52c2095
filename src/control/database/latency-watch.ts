/** How fast a backfill may go: as the users of the services that use the database have it now. */
import { GivingWay, type LatencySeen } from '../../core/database/giving-way.ts';
import { limits } from '../../core/limits.ts';
import type { Service } from '../../core/project.ts';
import { ASSIGNED } from '../../core/traffic/row-kinds.ts';
import type { TrafficWindow } from '../../core/traffic/traffic-window.ts';
import { summed } from '../../core/traffic/worker-rows.ts';
import type { Clock } from '../../ports/clock.ts';
import type { TrafficPlane } from '../../ports/traffic-plane.ts';
import type { Ledger } from '../ledger.ts';

export interface LatencyParts {
  readonly clock: Clock;
  readonly plane: TrafficPlane;
  readonly ledger: Ledger;
  readonly window: TrafficWindow;
  /** Those that use the database. */
  readonly services: () => readonly Service[];
}

const P99 = 0.99;

export class LatencyWatch {
  readonly #parts: LatencyParts;
  readonly #ways = new Map<string, GivingWay>();
  #lookedMs: number;

  /** What is seen now is what it was like before. */
  constructor(parts: LatencyParts) {
    this.#parts = parts;
    this.#lookedMs = parts.clock.monotonicMs();
    for (const service of parts.services()) this.#wayOf(service).before(this.#seen(service));
  }

  speed(): number {
    const { clock, services } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lookedMs >= limits.schema.paceIntervalMs) {
      this.#lookedMs = nowMs;
      for (const service of services()) this.#wayOf(service).look(this.#seen(service));
    }
    return Math.min(1, ...[...this.#ways.values()].map((way) => way.speed));
  }

  #wayOf({ name, judge }: Service): GivingWay {
    const known = this.#ways.get(name);
    if (known) return known;
    const ceiling = judge?.rules.latency.ceilings.find(({ quantile }) => quantile === P99);
    const way = new GivingWay(ceiling?.maxMs ?? null);
    this.#ways.set(name, way);
    return way;
  }

  /** Of the version that serves: the candidate has no users yet. */
  #seen({ name }: Service): LatencySeen {
    const { plane, ledger, window } = this.#parts;
    const report = plane.report();
    const { stable } = ledger.service(name);
    const own = report?.assigned.filter((row) => row.service === name && row.version === stable) ?? [];
    const rows = summed(own, ASSIGNED);
    const flows = report ? rows.map((row) => window.flowOf(row, report)) : [];
    const none: LatencySeen = { requests: 0, p99Ms: null };
    return flows.reduce<LatencySeen>((most, flow) => (flow.requests > most.requests ? flow : most), none);
  }
}
