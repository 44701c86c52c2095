/**
 * What the gateway evaluated. Its workers tell totals since each began; what is new in them is counted, once (T5). How
 * far was counted is written down in the same transaction as the counts, so that a later control goes on where this
 * one was: with what came while there was none, and without what it has already.
 */
import type { FlagCounts } from '../../core/flags/edge.ts';
import type { UsageBook } from '../../core/flags/usage.ts';
import type { TrafficReport } from '../../core/traffic/counts.ts';
import { FLAGS } from '../../core/traffic/row-kinds.ts';
import { WorkerMarks } from '../../core/traffic/worker-marks.ts';
import type { Clock } from '../../ports/clock.ts';

/** By worker, service, flag and variant: how many requests are in the counts. */
export type EdgeMarks = Readonly<Record<string, number>>;

const KIND = {
  rows: FLAGS,
  markOf: requestsOf,
  fell: (mark: number, row: FlagCounts) => requestsOf(row) < mark,
};

export class EdgeUsage {
  readonly #usage: UsageBook;
  readonly #clock: Clock;
  readonly #marks: WorkerMarks<FlagCounts, number>;
  /** As nothing was written down, what is there when all is there is taken for counted. */
  #isBlind: boolean;

  constructor(usage: UsageBook, clock: Clock, marks: EdgeMarks | null) {
    this.#usage = usage;
    this.#clock = clock;
    this.#marks = new WorkerMarks(KIND, Object.entries(marks ?? {}));
    this.#isBlind = marks === null;
  }

  get marks(): EdgeMarks | null {
    return this.#isBlind ? null : Object.fromEntries(this.#marks.entries());
  }

  take({ flags, workers }: TrafficReport): void {
    const grown = this.#marks.take(flags, workers !== null);
    if (this.#isBlind) {
      this.#isBlind = workers === null && flags.every(({ worker }) => worker !== undefined);
      return;
    }
    for (const { row, before = 0 } of grown) {
      const { flag, variant, service } = row;
      const more = requestsOf(row) - before;
      if (more > 0) this.#usage.count(flag, variant, `gateway, ${service}`, this.#clock.nowMs(), more);
    }
  }
}

function requestsOf({ answered, failed, abandoned }: FlagCounts): number {
  return answered.reduce((sum, count) => sum + count, failed + abandoned);
}
