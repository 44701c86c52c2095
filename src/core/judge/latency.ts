/**
 * Latency as errors: a request slower than a threshold is "bad", and the thresholds come from stable's own past,
 * so that the machinery for errors serves for latency too.
 */
import { bucketTopMs } from '../traffic/histogram.ts';
import { sideOfRate } from './rate.ts';

/** `[bucket, count, ...]` pairs of the histogram in `traffic/histogram.ts`. */
export type Histogram = readonly number[];

/**
 * Thresholds between two buckets, so that counts above them are exact. Undefined when the past is too short to
 * have `quantile` with `requestsMin` requests beyond it.
 */
export function thresholdBucket(past: Histogram, quantile: number, requestsMin: number): number | undefined {
  const sorted = bucketsOf(past);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  if (total * (1 - quantile) < requestsMin) return undefined;
  let seen = 0;
  for (const [bucket, count] of sorted) {
    seen += count;
    if (seen >= quantile * total) return bucket;
  }
  return undefined;
}

/** Requests that took longer than every duration in the bucket. */
export function slowerThan(histogram: Histogram, bucket: number): number {
  let slower = 0;
  for (let i = 0; i + 1 < histogram.length; i += 2)
    if ((histogram[i] ?? 0) > bucket) slower += histogram[i + 1] ?? 0;
  return slower;
}

export function requestsIn(histogram: Histogram): number {
  let requests = 0;
  for (let i = 1; i < histogram.length; i += 2) requests += histogram[i] ?? 0;
  return requests;
}

/**
 * Where the quantile may lie, valid at every look: durations at which the share of faster requests is not shown
 * to differ from `quantile` (Howard & Ramdas, Bernoulli 2022, by inversion). Milliseconds; `to` is null while
 * nothing bounds it.
 */
export function quantileInterval(
  histogram: Histogram,
  quantile: number,
  alpha: number,
): { readonly fromMs: number; readonly toMs: number | null } {
  const sorted = bucketsOf(histogram);
  const requests = sorted.reduce((sum, [, count]) => sum + count, 0);
  let fromMs = 0;
  let faster = 0;
  for (const [bucket, count] of sorted) {
    faster += count;
    const side = sideOfRate({ bad: faster, requests }, quantile, alpha);
    if (side === 'below') fromMs = bucketTopMs(bucket);
    if (side === 'above') return { fromMs, toMs: bucketTopMs(bucket) };
  }
  return { fromMs, toMs: null };
}

function bucketsOf(histogram: Histogram): (readonly [bucket: number, count: number])[] {
  const pairs: (readonly [number, number])[] = [];
  for (let i = 0; i + 1 < histogram.length; i += 2) pairs.push([histogram[i] ?? 0, histogram[i + 1] ?? 0]);
  return pairs.toSorted((a, b) => a[0] - b[0]);
}
