/**
 * Traffic as the queries of other controllers see it: by the minute, with success rates and an exact p99 (a metrics
 * store would estimate it from buckets, and be late by its scrape interval). Beside the candidate a baseline of its
 * size, as Kayenta's documentation advises.
 */
import type { Chance } from '../../test/support/chance.ts';
import { orderStatistic, thinned } from './draws.ts';
import { type LatencyClasses, sharesOf } from './latency-classes.ts';
import { durationAt } from './latency-shape.ts';
import { type Scenario, SECONDS_PER_MINUTE } from './scenario.ts';
import { countsUntil, type SideName, type Traffic } from './traffic.ts';

/** What a side did in a minute. */
export interface SideMinute {
  readonly requests: number;
  readonly errors: number;
  /** Null when there were no requests. */
  readonly p99Ms: number | null;
}

export interface Minute {
  readonly candidate: SideMinute;
  /** A part of stable, as large as the candidate. */
  readonly baseline: SideMinute;
}

export interface Queried {
  readonly scenario: Scenario;
  readonly classes: LatencyClasses;
  readonly share: number;
}

export function minutesOf(traffic: Traffic, queried: Queried, chance: Chance): Minute[] {
  const { share } = queried;
  const errors = errorsByMinute(traffic);
  const side = (name: SideName, minute: number, part: number): SideMinute => {
    const before = countsUntil(traffic, minute * SECONDS_PER_MINUTE, name);
    const counts = countsUntil(traffic, (minute + 1) * SECONDS_PER_MINUTE, name).map((count, index) =>
      thinned(chance, count - (before[index] ?? 0), part),
    );
    return {
      requests: counts.reduce((sum, count) => sum + count, 0),
      errors: thinned(chance, errors[name][minute] ?? 0, part),
      p99Ms: p99Of(counts, queried, { name, slowness: traffic.slowness[minute] ?? 1 }, chance),
    };
  };
  return traffic.slowness.map((_, minute) => ({
    candidate: side('candidate', minute, 1),
    baseline: side('stable', minute, share / (1 - share)),
  }));
}

function errorsByMinute({ bad, slowness }: Traffic): Readonly<Record<SideName, number[]>> {
  const errors = { candidate: slowness.map(() => 0), stable: slowness.map(() => 0) };
  for (const { atS, side } of bad) {
    const minute = Math.floor(atS / SECONDS_PER_MINUTE);
    errors[side][minute] = (errors[side][minute] ?? 0) + 1;
  }
  return errors;
}

/** Drawn from what the classes leave open. */
function p99Of(
  counts: readonly number[],
  { scenario, classes }: Queried,
  { name, slowness }: { name: SideName; slowness: number },
  chance: Chance,
): number | null {
  const requests = counts.reduce((sum, count) => sum + count, 0);
  if (requests === 0) return null;
  let rank = Math.ceil(requests / 100);
  const { latency } = scenario[name];
  const shares = sharesOf(classes, latency, slowness);
  let above = 0;
  for (let index = counts.length - 1; index >= 0; index -= 1) {
    const count = counts[index] ?? 0;
    const share = shares[index] ?? 0;
    if (rank <= count)
      return durationAt(latency, above + share * orderStatistic(chance, rank, count), slowness);
    rank -= count;
    above += share;
  }
  return null;
}
