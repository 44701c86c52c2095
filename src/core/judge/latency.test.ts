/** Hunts thresholds from too short a past, and quantiles said to be known that are not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bucketOf, bucketTopMs } from '../traffic/histogram.ts';
import { quantileInterval, requestsIn, slowerThan, thresholdBucket } from './latency.ts';

/** 1 to 100 ms, so many of each. */
const even = (times: number) => Array.from({ length: 100 }, (_, i) => [bucketOf(i + 1), times]).flat();

test('a threshold leaves about its share of the past beyond it', () => {
  const past = even(10);
  for (const quantile of [0.5, 0.95]) {
    const bucket = thresholdBucket(past, quantile, 20) ?? -1;
    const beyond = slowerThan(past, bucket) / requestsIn(past);
    assert.ok(Math.abs(beyond - (1 - quantile)) < 0.05, `${quantile}: ${beyond}`);
  }
});

test('a short past gives no threshold', () => {
  assert.equal(thresholdBucket(even(1), 0.99, 20), undefined);
  assert.equal(thresholdBucket([], 0.5, 1), undefined);
});

test('the interval of a quantile holds it and shrinks', () => {
  const [few, many] = [quantileInterval(even(1), 0.5, 0.05), quantileInterval(even(1000), 0.5, 0.05)];
  for (const { fromMs, toMs } of [few, many]) assert.ok(fromMs < 50 && (toMs ?? 0) >= 50);
  assert.ok(few.fromMs < many.fromMs && (many.toMs ?? 0) < (few.toMs ?? Infinity));
  assert.deepEqual(quantileInterval([], 0.5, 0.05), { fromMs: 0, toMs: null });
  assert.equal(quantileInterval(even(1), 0.999, 0.05).toMs, null, 'nothing bounds it from above');
  assert.ok((many.toMs ?? 0) <= bucketTopMs(bucketOf(54)));
});
