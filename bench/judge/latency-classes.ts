/**
 * Latencies as the judge sees them: it holds requests against thresholds from stable's past, so all that matters of a
 * duration is which thresholds it lies beyond. Classes are what lies between; their ends are ends of buckets of the
 * gateway's histogram.
 */
import { bucketOf, bucketTopMs } from '../../src/core/traffic/histogram.ts';
import { durationAt, type LatencyShape, shareAbove } from './latency-shape.ts';
import { type Arrivals, momentsOfDay } from './scenario.ts';

export const QUANTILES = [0.5, 0.95, 0.99] as const;

export interface LatencyClasses {
  /** One for each quantile, and one beyond the last. */
  readonly buckets: readonly number[];
  /** Upper ends; the last class has none. */
  readonly topsMs: readonly number[];
}

/** The buckets in which the quantiles of stable's day lie. */
export function classesOf(stable: LatencyShape, arrivals: Arrivals): LatencyClasses {
  const moments = momentsOfDay(arrivals);
  const shareOfDayAbove = (ms: number) =>
    moments.reduce((sum, { part, slowness }) => sum + part * shareAbove(stable, ms, slowness), 0);
  const buckets = QUANTILES.map((quantile) => {
    let bucket = bucketOf(durationAt(stable, 1 - quantile, 0.8));
    // A little beyond, so that the past's own chance does not decide between two buckets.
    while (shareOfDayAbove(bucketTopMs(bucket)) > (1 - quantile) * 0.95) bucket += 1;
    return bucket;
  });
  const topsMs = buckets.map(bucketTopMs);
  return { buckets: [...buckets, (buckets.at(-1) ?? 0) + 1], topsMs };
}

/** Shares of the classes. */
export function sharesOf({ topsMs }: LatencyClasses, latency: LatencyShape, slowness: number): number[] {
  const above = [1, ...topsMs.map((ms) => shareAbove(latency, ms, slowness)), 0];
  return above.slice(0, -1).map((share, index) => share - (above[index + 1] ?? 0));
}

/** `[bucket, count, ...]`, as the gateway reports it. */
export function histogramOf({ buckets }: LatencyClasses, counts: readonly number[]): number[] {
  return buckets.flatMap((bucket, index) => [bucket, counts[index] ?? 0]);
}
