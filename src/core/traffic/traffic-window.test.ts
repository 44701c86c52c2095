/** Hunts a rate, a share of errors or a latency that is not of the last seconds, or that is made of no data (R8). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../limits.ts';
import type { AssignedCounts, TrafficReport } from './counts.ts';
import { bucketOf, bucketTopMs } from './histogram.ts';
import { EMPTY_REPORT } from './report-book.ts';
import { TrafficWindow } from './traffic-window.ts';

const row = (ok: number, errors: number, latency: readonly number[] = []): AssignedCounts => ({
  ...{ service: 'web', version: 'v1', group: null, percent: null, rule: null, decisions: 0 },
  ...{ answered: [ok, 0, 0, errors], failed: 0, abandoned: 0, retried: 0, latency, latencySumMs: 0 },
});

const report = (atMs: number, assigned: AssignedCounts): TrafficReport => ({
  ...EMPTY_REPORT,
  atMs,
  assigned: [assigned],
});

test('only what ended in the window counts', () => {
  const window = new TrafficWindow();
  const slow = bucketOf(5_000);
  const fast = bucketOf(2);
  window.take(report(1_000, row(1_000, 500, [slow, 1_500])));
  const now = row(1_090, 510, [slow, 1_500, fast, 100]);
  const last = report(6_000, now);
  window.take(last);
  const flow = window.flowOf(now, last);
  assert.deepEqual(flow, {
    requests: 100,
    perSecond: 20,
    errorShare: 0.1,
    ...{ p50Ms: bucketTopMs(fast), p95Ms: bucketTopMs(fast), p99Ms: bucketTopMs(fast) },
  });
});

test('without a request there is no share of errors and no latency, not a perfect one', () => {
  const window = new TrafficWindow();
  const same = row(7, 1, [5, 8]);
  window.take(report(1_000, same));
  const none = { requests: 0, perSecond: 0, errorShare: null, p50Ms: null, p95Ms: null, p99Ms: null };
  assert.deepEqual(window.flowOf(same, report(1_000, same)), none);
  assert.deepEqual(window.flowOf(same, report(5_000, same)), none);
});

test('a report of a gateway that has heard of no worker is no moment to look back to', () => {
  const window = new TrafficWindow();
  const same = row(7, 1, [5, 8]);
  window.take(report(0, same));
  assert.equal(window.lengthMs(report(1_700_000_000_000, same)), 0);
});

test('it forgets what lies behind it, however many reports come', () => {
  const window = new TrafficWindow();
  let last = report(0, row(0, 0));
  for (let atMs = 0; atMs <= 60_000; atMs += 100) window.take((last = report(atMs, row(atMs, 0))));
  const lengthMs = window.lengthMs(last);
  assert.ok(lengthMs >= limits.traffic.windowMs && lengthMs < limits.traffic.windowMs + 2_000, `${lengthMs}`);
  assert.equal(window.flowOf(row(60_000, 0), last).perSecond, 1_000);
});

test('a gateway that was started again counts from zero, and a clock may be set back: nothing is negative', () => {
  const window = new TrafficWindow();
  window.take(report(10_000, row(900, 90, [3, 990])));
  const restarted = report(12_000, row(4, 1, [3, 5]));
  assert.equal(window.flowOf(row(4, 1, [3, 5]), restarted).requests, 5);
  window.take(report(3_000, row(10, 0)));
  assert.equal(window.lengthMs(report(4_000, row(10, 0))), 1_000);
});
