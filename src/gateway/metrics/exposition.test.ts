/** Hunts metrics that Prometheus reads wrongly: bad labels, buckets that do not add up, series without end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../../core/limits.ts';
import type { AssignedCounts, InstanceCounts, TrafficReport } from '../../core/traffic/counts.ts';
import { bucketOf, cumulative } from '../../core/traffic/histogram.ts';
import { EMPTY_REPORT } from '../../core/traffic/report-book.ts';
import { exposition } from './exposition.ts';
import { Exposition } from './text.ts';

const outcomes = { answered: [7, 0, 1, 2], failed: 3, abandoned: 4, retried: 5 } as const;

const instance = (id: string, lastRequestAtMs = 0): InstanceCounts => ({
  ...outcomes,
  ...{ service: 'web', instance: id, version: 'v1', inFlight: 1, streams: 2, requests: 17 },
  ...{ lastRequestAtMs, longestMs: 0, bytesIn: 100, bytesOut: 200, latency: [], latencySumMs: 0 },
  ...{ ejected: true, ejections: 3 },
});

const assigned = (percent: number, latency: readonly number[]): AssignedCounts => ({
  ...outcomes,
  ...{ service: 'web', version: 'v2', group: 'candidate', percent, rule: null },
  ...{ decisions: 15, latency, latencySumMs: 12.5 },
});

const textOf = (report: Partial<TrafficReport>) =>
  exposition({ ...EMPTY_REPORT, ...report }, { version: '1.2.3', workers: 2 });

const lines = (text: string, start: string) => text.split('\n').filter((line) => line.startsWith(start));

test('a label says what it was given, whatever that is', () => {
  const out = new Exposition();
  out.family('x', 'gauge', 'help');
  out.sample({ a: 'quote " back\\slash new\nline' }, 1);
  assert.equal(out.text.split('\n')[2], String.raw`x{a="quote \" back\\slash new\nline"} 1`);
});

test('each outcome of each instance is a series, and those of a service are apart from them', () => {
  const text = textOf({
    routing: 42,
    instances: [instance('web-1')],
    services: [
      {
        ...outcomes,
        service: 'web',
        heldTotal: 9,
        holding: 1,
        refused: 2,
        turnedAway: 3,
        shadowed: 0,
        shadowsDropped: 0,
      },
    ],
    running: [{ routing: 41, requests: 3, streams: 1 }],
    certificates: [{ certificate: 'a.pem', hosts: [], notAfterMs: 1_700_000_000_000, trouble: null }],
  });
  const of = 'service="web",version="v1",instance="web-1"';
  assert.deepEqual(lines(text, 'segue_requests_total{'), [
    `segue_requests_total{${of},outcome="2xx"} 7`,
    `segue_requests_total{${of},outcome="3xx"} 0`,
    `segue_requests_total{${of},outcome="4xx"} 1`,
    `segue_requests_total{${of},outcome="5xx"} 2`,
    `segue_requests_total{${of},outcome="failed"} 3`,
    `segue_requests_total{${of},outcome="abandoned"} 4`,
  ]);
  for (const line of [
    `segue_sent_bytes_total{${of}} 200`,
    `segue_ejected{${of}} 1`,
    `segue_ejections_total{${of}} 3`,
    'segue_service_requests_total{service="web",outcome="failed"} 3',
    'segue_service_held_total{service="web"} 9',
    'segue_routing_requests{routing="41"} 3',
    'segue_gateway_routing 42',
    'segue_gateway_workers 2',
    'segue_certificate_expiry_seconds{certificate="a.pem"} 1700000000',
  ])
    assert.ok(text.includes(`${line}\n`), line);
});

test('the histogram of a version holds the requests of all its weights, each once', () => {
  const text = textOf({ assigned: [assigned(5, [bucketOf(1), 2]), assigned(50, [bucketOf(1_000), 3])] });
  const of = 'service="web",version="v2"';
  const buckets = lines(text, 'segue_request_duration_seconds_bucket');
  assert.equal(buckets[0], `segue_request_duration_seconds_bucket{${of},le="0.0002"} 0`);
  assert.equal(buckets.at(-1), `segue_request_duration_seconds_bucket{${of},le="+Inf"} 5`);
  assert.ok(buckets.includes(`segue_request_duration_seconds_bucket{${of},le="0.0016"} 2`));
  assert.deepEqual(lines(text, 'segue_request_duration_seconds_sum'), [
    `segue_request_duration_seconds_sum{${of}} 0.025`,
  ]);
});

test('of too many instances the busiest are shown, and how many are not', () => {
  const max = limits.gateway.metricsInstancesMax;
  const text = textOf({ instances: Array.from({ length: max + 5 }, (_, at) => instance(`i${at}`, at)) });
  assert.equal(lines(text, 'segue_streams{').length, max);
  assert.ok(!text.includes('instance="i4"') && text.includes('instance="i5"'));
  assert.ok(text.includes('segue_instances_left_out 5\n'));
});

test('a cumulative count is right to half a tenth of a millisecond', () => {
  const bounds = [0.2, 0.8, 12.8, 409.6];
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 2_000, noNaN: true }), { maxLength: 50 }), (all) => {
      const counts = cumulative(
        all.flatMap((ms) => [bucketOf(ms), 1]),
        bounds,
      );
      for (const [at, bound] of bounds.entries()) {
        const surely = all.filter((ms) => ms < bound - 0.05).length;
        const perhaps = all.filter((ms) => ms <= bound + 0.05).length;
        assert.ok((counts[at] ?? 0) >= surely && (counts[at] ?? 0) <= perhaps, `${bound}: ${counts[at]}`);
      }
      assert.equal(counts.at(-1), all.length);
    }),
  );
});
