/**
 * What the gateway evaluated. Its reports tell totals since it began; what is new in them is counted, once (T5). How
 * far was counted is written down in the same transaction as the counts, so that a later control goes on where this
 * one was: with what came while there was none, and without what it has already.
 */
import { type FlagCounts, flagCountsKey } from '../../core/flags/edge.ts';
import type { UsageBook } from '../../core/flags/usage.ts';
import type { TrafficReport } from '../../core/traffic/counts.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PlaneEvent } from '../../ports/traffic-plane.ts';

/** By service, flag and variant: how many requests are in the counts. */
export type EdgeMarks = Readonly<Record<string, number>>;

export class EdgeUsage {
  readonly #usage: UsageBook;
  readonly #clock: Clock;
  /** Null: as nothing was written down, the first report is taken for counted. */
  #counted: Map<string, number> | null;

  constructor(usage: UsageBook, clock: Clock, marks: EdgeMarks | null) {
    this.#usage = usage;
    this.#clock = clock;
    this.#counted = marks && new Map(Object.entries(marks));
  }

  get marks(): EdgeMarks | null {
    return this.#counted && Object.fromEntries(this.#counted);
  }

  /** True: a gateway that has counted nothing yet took the place of one of which something is written down. */
  follows(event: PlaneEvent): boolean {
    const isNew = event.type === 'started' || (event.type === 'adopted' && event.routing === null);
    const differs = isNew && this.#counted?.size !== 0;
    if (isNew) this.#counted = new Map();
    return differs;
  }

  take({ flags }: TrafficReport): void {
    const isFirst = this.#counted === null;
    const counted = (this.#counted ??= new Map());
    for (const row of flags) {
      const key = flagCountsKey(row);
      const all = requestsOf(row);
      const more = all - (counted.get(key) ?? 0);
      // Fewer than before: a worker is yet to tell its part.
      if (more <= 0) continue;
      counted.set(key, all);
      if (isFirst) continue;
      this.#usage.count(row.flag, row.variant, `gateway, ${row.service}`, this.#clock.nowMs(), more);
    }
  }
}

function requestsOf({ answered, failed, abandoned }: FlagCounts): number {
  return answered.reduce((sum, count) => sum + count, failed + abandoned);
}
