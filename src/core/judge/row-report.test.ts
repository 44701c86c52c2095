/** Hunts a report that mixes rules or sides up, or knows durations of which there are none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bucketOf } from '../traffic/histogram.ts';
import { reportOf } from './row-report.ts';

const side = (requests: number, errors: number, ms?: number) => ({
  ...{ requests, errors, assigned: requests },
  latency: ms === undefined ? [] : [bucketOf(ms), requests],
});

test('each rule and weight by itself, both sides, with where their quantiles may lie', () => {
  const [staff, everybody] = reportOf([
    { rule: 'staff', share: 0.2, candidate: side(1_000, 3, 40), stable: side(4_000, 5, 8) },
    { rule: null, share: 0.1, candidate: side(2, 0), stable: side(0, 0) },
  ]);
  assert.deepEqual([staff?.rule, staff?.share], ['staff', 0.2]);
  assert.deepEqual([staff?.candidate.requests, staff?.candidate.errors], [1_000, 3]);
  assert.deepEqual(
    staff?.candidate.latency.map(({ quantile }) => quantile),
    [0.5, 0.95, 0.99],
  );
  const [p50] = staff?.candidate.latency ?? [];
  assert.ok(p50 && p50.fromMs <= 40 && p50.toMs !== null && p50.toMs >= 40 && p50.toMs < 45);
  assert.ok((staff?.stable.latency[0]?.toMs ?? Infinity) < 10);
  assert.deepEqual(everybody?.candidate.latency, []);
});
