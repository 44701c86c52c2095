/**
 * Bugs hunted: a bucket off by one at a power of two, a quantile that reads low, buckets beyond the array,
 * and a quantile made of nothing (R8).
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { addPairs, bucketOf, bucketTopMs, HISTOGRAM_BUCKETS, quantileMs } from './histogram.ts';

/** The histogram counts in tenths of a millisecond. */
const unitMs = 0.1;
const largestMs = 0x3fffffff / 10;

/** Every order of magnitude as often as every other. */
const durationMs = fc
  .double({ min: Math.log(unitMs), max: Math.log(largestMs), noNaN: true })
  .map((exponent) => Math.exp(exponent));

/** True when `readMs` could stand for `valueMs`: not lower, and at most 1/16 higher. */
const isNear = (readMs: number, valueMs: number) =>
  readMs >= valueMs - unitMs && readMs <= valueMs * (1 + 1 / 16) + unitMs;

test('any duration is read back within one sixteenth', () => {
  fc.assert(
    fc.property(durationMs, (ms) => {
      const bucket = bucketOf(ms);
      assert.ok(Number.isInteger(bucket) && bucket >= 0 && bucket < HISTOGRAM_BUCKETS, `bucket ${bucket}`);
      assert.ok(isNear(bucketTopMs(bucket), ms), `${ms} is read as ${bucketTopMs(bucket)}`);
    }),
    { examples: [[unitMs], [1.5], [1.6], [1.7], [3.1], [3.2], [3.3], [6.4], [102.4], [largestMs]] },
  );
});

test('buckets follow one another without gap or overlap', () => {
  for (let bucket = 0; bucket + 1 < HISTOGRAM_BUCKETS; bucket += 1) {
    assert.equal(bucketOf(bucketTopMs(bucket)), bucket, `top of ${bucket}`);
    assert.equal(bucketOf(bucketTopMs(bucket) + unitMs), bucket + 1, `above ${bucket}`);
  }
});

test('what is too short, too long or negative lands in the first and last bucket', () => {
  assert.equal(bucketOf(0), 0);
  assert.equal(bucketOf(-3), 0);
  assert.equal(bucketOf(Infinity), HISTOGRAM_BUCKETS - 1);
  assert.equal(bucketOf(largestMs * 10), HISTOGRAM_BUCKETS - 1);
});

test('quantiles agree with sorting, whatever the order of the pairs', () => {
  const durations = fc.array(durationMs, { minLength: 1, maxLength: 200 });
  const quantile = fc.constantFrom(0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1);
  fc.assert(
    fc.property(durations, quantile, (values, q) => {
      const counts = new Map<number, number>();
      for (const ms of values) counts.set(bucketOf(ms), (counts.get(bucketOf(ms)) ?? 0) + 1);
      const sorted = values.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil(q * sorted.length - 1e-9) - 1] ?? assert.fail();
      const read = quantileMs([...counts].flat(), q) ?? assert.fail();
      assert.ok(isNear(read, exact), `${q} of ${values.length}: read ${read}, exact ${exact}`);
    }),
  );
});

test('from nothing there is no quantile', () => {
  assert.equal(quantileMs([], 0.99), undefined);
  assert.equal(quantileMs([3, 0, 7, 0], 0.99), undefined);
});

test('sums are by bucket and in their order, whatever order the parts are in', () => {
  const parts = fc.uniqueArray(fc.tuple(fc.nat(40), fc.nat(9)), { selector: ([bucket]) => bucket });
  const list = fc
    .tuple(parts, fc.boolean())
    .map(([pairs, isOrdered]) => (isOrdered ? pairs.toSorted(([a], [b]) => a - b) : pairs).flat());
  const countsOf = (pairs: readonly number[]) => {
    const counts = Array.from({ length: 41 }, () => 0);
    for (let at = 0; at < pairs.length; at += 2) counts[pairs[at] ?? 0] = pairs[at + 1] ?? 0;
    return counts;
  };
  fc.assert(
    fc.property(list, list, (a, b) => {
      const sum = addPairs(a, b);
      const [mine, theirs] = [countsOf(a), countsOf(b)];
      assert.deepEqual(
        countsOf(sum),
        mine.map((count, at) => count + (theirs[at] ?? 0)),
      );
      if (a.length === 0 || b.length === 0) return;
      const buckets = sum.filter((_, at) => at % 2 === 0);
      assert.deepEqual(
        buckets,
        buckets.toSorted((x, y) => x - y),
      );
    }),
  );
});
