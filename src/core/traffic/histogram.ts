/**
 * Log-linear histogram: 16 buckets to each power of two, so any value is off by at most 1/16. Units are
 * tenths of a millisecond, from 0.1 ms to about 30 hours.
 */
const SUB_BITS = 4;
const SUB = 1 << SUB_BITS;
export const HISTOGRAM_BUCKETS = (31 - SUB_BITS) * SUB;

export function bucketOf(durationMs: number): number {
  const units = Math.min(0x3fffffff, Math.max(0, Math.round(durationMs * 10)));
  if (units < SUB) return units;
  const exponent = 31 - Math.clz32(units);
  return (exponent - SUB_BITS + 1) * SUB + ((units >>> (exponent - SUB_BITS)) - SUB);
}

/** The upper end of a bucket, in milliseconds. */
export function bucketTopMs(bucket: number): number {
  if (bucket < SUB) return bucket / 10;
  const exponent = Math.floor(bucket / SUB) + SUB_BITS - 1;
  const step = 2 ** (exponent - SUB_BITS);
  return ((SUB + (bucket % SUB)) * step + step - 1) / 10;
}

/** Of `HISTOGRAM_BUCKETS` counts, those that are not 0, as `[bucket, count, ...]` pairs. */
export function pairsOf(counts: Uint32Array): number[] {
  const pairs: number[] = [];
  for (let bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket += 1) {
    const count = counts[bucket] ?? 0;
    if (count > 0) pairs.push(bucket, count);
  }
  return pairs;
}

/** From `[bucket, count, ...]` pairs; undefined when nothing was counted (R8). */
export function quantileMs(pairs: readonly number[], quantile: number): number | undefined {
  let total = 0;
  for (let i = 1; i < pairs.length; i += 2) total += pairs[i] ?? 0;
  if (total === 0) return undefined;
  const sorted: [number, number][] = [];
  for (let i = 0; i + 1 < pairs.length; i += 2) sorted.push([pairs[i] ?? 0, pairs[i + 1] ?? 0]);
  sorted.sort((a, b) => a[0] - b[0]);
  let seen = 0;
  for (const [bucket, n] of sorted) {
    seen += n;
    if (seen >= quantile * total) return bucketTopMs(bucket);
  }
  return undefined;
}

/**
 * How many of `[bucket, count, ...]` pairs took no longer than each bound, and all of them at the end. Exact to half
 * a tenth of a millisecond where a bound is a power of two tenths.
 */
export function cumulative(pairs: readonly number[], boundsMs: readonly number[]): number[] {
  const counts = Array.from({ length: boundsMs.length + 1 }, () => 0);
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    const topMs = bucketTopMs(pairs[at] ?? 0);
    const bound = boundsMs.findIndex((each) => topMs <= each);
    const index = bound === -1 ? boundsMs.length : bound;
    counts[index] = (counts[index] ?? 0) + (pairs[at + 1] ?? 0);
  }
  for (let at = 1; at < counts.length; at += 1) counts[at] = (counts[at] ?? 0) + (counts[at - 1] ?? 0);
  return counts;
}

/** Sum of two lists of `[bucket, count, ...]` pairs, in order of buckets. */
export function addPairs(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a.length === 0 || b.length === 0) return a.length === 0 ? b : a;
  return addOrdered(a, b) ?? addAnyhow(a, b);
}

/** Ten times a second for every release that is judged; null where one of them is not in order. */
function addOrdered(a: readonly number[], b: readonly number[]): number[] | null {
  const sum: number[] = [];
  let [i, j, last] = [0, 0, -1];
  while (i + 1 < a.length || j + 1 < b.length) {
    const mine = i + 1 < a.length ? (a[i] ?? 0) : Infinity;
    const theirs = j + 1 < b.length ? (b[j] ?? 0) : Infinity;
    const bucket = Math.min(mine, theirs);
    if (bucket <= last) return null;
    let count = 0;
    if (mine === bucket) {
      count += a[i + 1] ?? 0;
      i += 2;
    }
    if (theirs === bucket) {
      count += b[j + 1] ?? 0;
      j += 2;
    }
    sum.push(bucket, count);
    last = bucket;
  }
  return sum;
}

function addAnyhow(a: readonly number[], b: readonly number[]): number[] {
  const counts = new Map<number, number>();
  for (const pairs of [a, b])
    for (let at = 0; at + 1 < pairs.length; at += 2) {
      const bucket = pairs[at] ?? 0;
      counts.set(bucket, (counts.get(bucket) ?? 0) + (pairs[at + 1] ?? 0));
    }
  return [...counts].toSorted(([x], [y]) => x - y).flat();
}

/** What came to `before` until `now`; counts that fell begin anew. */
export function pairsBetween(before: readonly number[], now: readonly number[]): number[] {
  const earlier = new Map<number, number>();
  for (let at = 0; at + 1 < before.length; at += 2) earlier.set(before[at] ?? 0, before[at + 1] ?? 0);
  const pairs: number[] = [];
  for (let at = 0; at + 1 < now.length; at += 2) {
    const bucket = now[at] ?? 0;
    const then = earlier.get(bucket) ?? 0;
    const count = now[at + 1] ?? 0;
    const grown = count >= then ? count - then : count;
    if (grown > 0) pairs.push(bucket, grown);
  }
  return pairs;
}
