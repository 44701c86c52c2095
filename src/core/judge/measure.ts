/** What is held against a candidate: which requests are bad, and how often stable's were before. */
import { bucketTopMs } from '../traffic/histogram.ts';
import { countKeys } from '../traffic/key-sketch.ts';
import { formatDurationMs } from '../units.ts';
import type { Frequency } from './frequency.ts';
import { type Histogram, requestsIn, slowerThan, thresholdBucket } from './latency.ts';
import type { Observation, Past, Side } from './observed.ts';
import type { Rate } from './rate.ts';
import type { JudgeRules } from './rules.ts';

/** One guard's measure, on both sides, row by row. */
export interface Measure {
  readonly guard: string;
  /** In words: `errors`, `slower than 312ms`. */
  readonly counts: string;
  /** Of the release's false alarms, what this measure may spend. */
  readonly alpha: number;
  readonly frequency: Frequency;
  readonly tolerate: number;
  /** Good enough below this, whatever stable's rate is. */
  readonly negligible: number | null;
  /** Of one side: where sessions are counted for errors, latencies still count requests. */
  readonly of: (side: Side) => Rate;
  /** What one of its bad requests is worth as evidence; see `worthOf`. */
  readonly worth: (rows: readonly Observation[]) => number;
  /** Stable's rates in the windows of its past; none: unknown. */
  readonly past: readonly Rate[];
  /** The past is long enough for a candidate to be held against it. */
  readonly binds: boolean;
}

/** Beyond this quantile of stable's past a request is as rare as an error. */
const RARE_FROM = 0.98;

export const frequencyOf = (quantile: number): Frequency => (quantile >= RARE_FROM ? 'rare' : 'common');

/** `p99`, `p99.9`. */
export const nameOf = (quantile: number) => `p${Number((quantile * 100).toFixed(3))}`;

/**
 * Errors may spend as many of the false alarms as everything else together: an error hurts at once, and each halving
 * costs a slow request's guard hardly more than it costs theirs. What has a ceiling shares with it.
 */
export function measuresOf(rules: JudgeRules, past: Past | null): readonly Measure[] {
  const slow = thresholdsOf(rules, past);
  const { errors, latency, falseAlarms } = rules;
  const others = slow.length + latency.ceilings.length;
  const alphaOfErrors = others > 0 ? falseAlarms / 2 : falseAlarms;
  return [
    {
      guard: 'errors',
      counts: 'errors',
      alpha: errors.max === null ? alphaOfErrors : alphaOfErrors / 2,
      frequency: 'rare',
      tolerate: errors.tolerate,
      negligible: errors.negligible,
      of: errorRate,
      worth: () => 1,
      past: past?.windows.map(({ errors: bad, requests }) => ({ bad, requests })) ?? [],
      binds: past !== null,
    },
    ...slow.map(({ quantile, bucket, of }): Measure => ({
      guard: nameOf(quantile),
      counts: slowerThanWords(bucket),
      alpha: falseAlarms / 2 / others,
      frequency: frequencyOf(quantile),
      tolerate: latency.tolerate,
      negligible: null,
      of,
      worth: worthOf,
      past: past?.windows.map(of) ?? [],
      binds: (past?.windows.length ?? 0) >= latency.pastWindowsMin,
    })),
  ];
}

/** The quantiles that stable's past is long enough for. */
function thresholdsOf({ latency }: JudgeRules, past: Past | null) {
  const whole = past?.windows.flatMap((window) => window.latency) ?? [];
  return latency.quantiles.flatMap((quantile) => {
    const bucket = thresholdBucket(whole, quantile, latency.pastRequestsMin);
    return bucket === undefined ? [] : [{ quantile, bucket, of: slowRate(bucket) }];
  });
}

export const errorRate = ({ errors, requests }: Pick<Side, 'errors' | 'requests'>): Rate => ({
  bad: errors,
  requests,
});

export const slowRate =
  (bucket: number) =>
  ({ latency }: { readonly latency: Histogram }): Rate => ({
    bad: slowerThan(latency, bucket),
    requests: requestsIn(latency),
  });

export const slowerThanWords = (bucket: number) => `slower than ${formatDurationMs(bucketTopMs(bucket))}`;

/** Never a certainty, of which there would be nothing to test. */
export const boundOf = (rate: number, tolerate: number): number => Math.min(rate * tolerate, (1 + rate) / 2);

export function total(rates: readonly Rate[]): Rate {
  let bad = 0;
  let requests = 0;
  for (const rate of rates) {
    bad += rate.bad;
    requests += rate.requests;
  }
  return { bad, requests };
}

/**
 * Where traffic is sticky a session's slow requests have a cause in common, and there are no first ones to count as
 * with errors. Evidence is for things that are independent: likelihood ratios are raised to the power of one over the
 * number of requests that may hang together. Picked by a request, a session is larger than the mean one: by so much
 * when its length is a matter of going on or not.
 */
export function worthOf(rows: readonly Observation[]): number {
  let requests = 0;
  let sessions = 0;
  for (const { candidate, stable } of rows) {
    requests += candidate.requests + stable.requests;
    sessions += unitsOf(candidate) + unitsOf(stable);
  }
  return sessions >= requests ? 1 : sessions / (2 * requests - sessions);
}

/** Sessions or keys that there were at least. Of keys fewer may be looked at for the split than came. */
export const unitsOf = ({ assigned, keys }: Side): number => Math.max(assigned, countKeys(keys));

export const timesWorth = ({ bad, requests }: Rate, worth: number): Rate => ({
  bad: bad * worth,
  requests: requests * worth,
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
