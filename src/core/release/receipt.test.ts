/** Hunts a receipt that tells of other releases' requests, or of none where the gateway began to count anew. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstanceCounts, TrafficReport } from '../traffic/counts.ts';
import { EMPTY_REPORT } from '../traffic/report-book.ts';
import { baselineOf, receiptOf } from './receipt.ts';

const NO_TOTALS = { answered: [0, 0, 0, 0], failed: 0, abandoned: 0, retried: 0 } as const;

function counts(instance: string, version: string, change: Partial<InstanceCounts> = {}): InstanceCounts {
  return {
    service: 'web',
    instance,
    version,
    inFlight: 0,
    streams: 0,
    requests: 0,
    answered: [0, 0, 0, 0],
    failed: 0,
    abandoned: 0,
    retried: 0,
    ejected: false,
    ejections: 0,
    lastRequestAtMs: 0,
    longestMs: 0,
    latency: [],
    latencySumMs: 0,
    bytesIn: 0,
    bytesOut: 0,
    ...change,
  };
}

const report = (instances: readonly InstanceCounts[], held = 0, refused = 0): TrafficReport => ({
  ...EMPTY_REPORT,
  routing: 1,
  instances,
  shadows: [],
  certificates: [],
  countryFile: null,
  services: [
    {
      ...NO_TOTALS,
      service: 'web',
      heldTotal: held,
      holding: 0,
      refused,
      turnedAway: 0,
      shadowed: 0,
      shadowsDropped: 0,
    },
    {
      ...NO_TOTALS,
      service: 'api',
      heldTotal: 99,
      holding: 0,
      turnedAway: 0,
      shadowed: 0,
      shadowsDropped: 0,
      refused: 99,
    },
  ],
});

const since = (before: TrafficReport | null, now: TrafficReport | null) =>
  receiptOf({ service: 'web', baseline: baselineOf(before, 'web'), report: now, left: null });

test('only what happened since the release began counts, and only of its service', () => {
  const other = counts('api-r1-1', 'v1', { service: 'api', requests: 1_000, failed: 9 });
  const before = report([counts('a', 'v1', { requests: 100, answered: [90, 5, 3, 2] }), other], 7, 1);
  const a = counts('a', 'v1', { requests: 150, answered: [130, 8, 7, 5], failed: 1, retried: 2 });
  const b = counts('b', 'v2', { requests: 20, answered: [18, 0, 0, 1], abandoned: 1 });
  const idle = counts('c', 'v3');
  assert.deepEqual(since(before, report([a, b, idle, other], 10, 1)), {
    requests: 70,
    answered: 69,
    errors: 4,
    failed: 1,
    refused: 0,
    retried: 2,
    held: 3,
    abandoned: 1,
    perVersion: [
      { version: 'v1', requests: 50 },
      { version: 'v2', requests: 20 },
    ],
    lastOldRequestAfterMs: null,
  });
});

test('a gateway that was started again counts from zero: nothing negative, nothing lost', () => {
  const before = report([counts('a', 'v1', { requests: 100, answered: [100, 0, 0, 0] })], 50, 50);
  const receipt = since(before, report([counts('a', 'v1', { requests: 8, answered: [8, 0, 0, 0] })], 2, 1));
  assert.equal(receipt?.requests, 8);
  assert.equal(receipt?.answered, 8);
  assert.equal(receipt?.held, 2);
  assert.equal(receipt?.refused, 1);
});

test('no report is no receipt, not an empty one (R8); no report at the beginning is a beginning at zero', () => {
  assert.equal(since(report([]), null), null);
  assert.equal(since(null, report([counts('a', 'v1', { requests: 3 })]))?.requests, 3);
});

test('the last request of the version that lost the traffic is timed from the decision', () => {
  const instances = [
    counts('a', 'v1', { requests: 1, lastRequestAtMs: 1_040 }),
    counts('b', 'v1', { requests: 1, lastRequestAtMs: 1_090 }),
    counts('c', 'v2', { requests: 1, lastRequestAtMs: 5_000 }),
  ];
  const after = (version: string, decidedAtMs: number) =>
    receiptOf({ service: 'web', baseline: [], report: report(instances), left: { version, decidedAtMs } })
      ?.lastOldRequestAfterMs;
  assert.equal(after('v1', 1_000), 90);
  assert.equal(after('v1', 2_000), 0);
  assert.equal(after('v0', 1_000), null);
});
