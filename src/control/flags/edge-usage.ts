/** What the gateway evaluated, as its reports tell: totals, of which what is new is counted. */
import { type FlagCounts, flagCountsKey } from '../../core/flags/edge.ts';
import type { UsageBook } from '../../core/flags/usage.ts';
import type { TrafficReport } from '../../core/traffic/counts.ts';
import type { Clock } from '../../ports/clock.ts';

export class EdgeUsage {
  readonly #usage: UsageBook;
  readonly #clock: Clock;
  readonly #told = new Map<string, number>();

  constructor(usage: UsageBook, clock: Clock) {
    this.#usage = usage;
    this.#clock = clock;
  }

  take({ flags }: TrafficReport): void {
    for (const row of flags) {
      const key = flagCountsKey(row);
      const all = requestsOf(row);
      // A gateway that was there before this control may tell what an earlier one has counted.
      const before = this.#told.get(key) ?? (this.#told.size === 0 ? all : 0);
      this.#told.set(key, all);
      if (all > before)
        this.#usage.count(
          row.flag,
          row.variant,
          `gateway, ${row.service}`,
          this.#clock.nowMs(),
          all - before,
        );
    }
  }
}

function requestsOf({ answered, failed, abandoned }: FlagCounts): number {
  return answered.reduce((sum, count) => sum + count, failed + abandoned);
}
