/** What is held against a candidate: which requests are bad, and how often stable's were before. */
import type { Frequency } from './frequency.ts';
import type { JudgeRules } from './judge.ts';
import { type Histogram, requestsIn, slowerThan, thresholdBucket } from './latency.ts';
import type { Observation, Observed, Side } from './observed.ts';
import type { Rate } from './rate.ts';

/** One guard's measure, on both sides, row by row. */
export interface Measure {
  readonly guard: string;
  /** Of the release's false alarms, what this measure may spend. */
  readonly alpha: number;
  readonly frequency: Frequency;
  readonly tolerate: number;
  /** Good enough below this, whatever stable's rate is. */
  readonly negligible: number | null;
  /** Of one side: where sessions are counted for errors, latencies still count requests. */
  readonly of: (side: Side) => Rate;
  /** Stable's rates in the windows of its past; none: unknown. */
  readonly past: readonly Rate[];
}

/** Beyond this quantile of stable's past a request is as rare as an error. */
const RARE_FROM = 0.98;

export const frequencyOf = (quantile: number): Frequency => (quantile >= RARE_FROM ? 'rare' : 'common');

/**
 * Errors may spend as many of the false alarms as everything else together: an error hurts at once, and each halving
 * costs a slow request's guard hardly more than it costs theirs.
 */
export function measuresOf(rules: JudgeRules, { past }: Observed): readonly Measure[] {
  const slow = thresholdsOf(rules, past);
  const alphaOfErrors = slow.length > 0 ? rules.falseAlarms / 2 : rules.falseAlarms;
  const { errors, latency } = rules;
  return [
    {
      guard: 'errors',
      alpha: errors.max === null ? alphaOfErrors : alphaOfErrors / 2,
      frequency: 'rare',
      tolerate: errors.tolerate,
      negligible: errors.negligible,
      of: ({ errors: bad, requests }) => ({ bad, requests }),
      past: past?.windows.map(({ errors: bad, requests }) => ({ bad, requests })) ?? [],
    },
    ...slow.map(({ quantile, of }): Measure => ({
      guard: `p${quantile * 100}`,
      alpha: rules.falseAlarms / 2 / slow.length,
      frequency: frequencyOf(quantile),
      tolerate: latency.tolerate,
      negligible: null,
      of,
      past: past?.windows.map(of) ?? [],
    })),
  ];
}

/** The quantiles that stable's past is long enough for. */
function thresholdsOf({ latency }: JudgeRules, past: Observed['past']) {
  const whole = past?.windows.flatMap((window) => window.latency) ?? [];
  return latency.quantiles.flatMap((quantile) => {
    const bucket = thresholdBucket(whole, quantile, latency.pastRequestsMin);
    if (bucket === undefined) return [];
    const of = (side: { readonly latency: Histogram }): Rate => ({
      bad: slowerThan(side.latency, bucket),
      requests: requestsIn(side.latency),
    });
    return [{ quantile, of }];
  });
}

/** Never a certainty, of which there would be nothing to test. */
export const boundOf = (rate: number, tolerate: number): number => Math.min(rate * tolerate, (1 + rate) / 2);

export const total = (rates: readonly Rate[]): Rate => ({
  bad: rates.reduce((all, { bad }) => all + bad, 0),
  requests: rates.reduce((all, { requests }) => all + requests, 0),
});

/** Rows in which both sides had traffic. */
export function split(rows: readonly Observation[]): readonly Observation[] {
  return rows.filter(({ share }) => share > 0 && share < 1);
}

export function rateOf(
  rows: readonly Observation[],
  side: 'candidate' | 'stable',
  { of }: Pick<Measure, 'of'>,
): Rate {
  return total(rows.map((row) => of(row[side])));
}
