/** Hunts instances that get traffic unready, or outside what a release asked for (R1, R3). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceSpec } from '../../../test/support/service-spec.ts';
import { serviceRouting } from './rotation.ts';

const instances = new Map(
  ['a', 'b', 'c'].map((id, i) => [
    id,
    { id, version: 'v1', host: '127.0.0.1', port: 20_000 + i, ready: id !== 'b', direct: false },
  ]),
);
const rotation = { instances: ['a', 'b', 'gone'], preview: ['c'], draining: ['b', 'gone'] };
const preview = { header: 'x-preview', value: 'yes', when: null, forMs: 0 };

test('only instances that are asked for, there and ready become backends', () => {
  const { backends } = serviceRouting(serviceSpec(), rotation, instances);
  assert.deepEqual(backends, [{ id: 'a', version: 'v1', host: '127.0.0.1', port: 20_000 }]);
});

test('what drains drains, ready or not, with the limits of the file', () => {
  const { draining } = serviceRouting(serviceSpec(), rotation, instances);
  assert.deepEqual(
    draining.map(({ id, requestsMs }) => [id, requestsMs]),
    [
      ['b', 30_000],
      ['gone', 30_000],
    ],
  );
});

test('a preview needs a strategy with one, and something to show; it has rules and no share (R3)', () => {
  const service = serviceSpec({ strategy: { type: 'blue-green', preview, bakeMs: 0 } });
  const { backends, split, rules } = serviceRouting(service, rotation, instances);
  assert.deepEqual(
    backends.map(({ id }) => id),
    ['a', 'c'],
  );
  assert.deepEqual(split, [
    { group: 'stable', percent: 100, version: 'v1', backends: ['a'] },
    { group: 'candidate', percent: 0, version: 'v1', backends: ['c'] },
  ]);
  const byHeader = { type: 'header', name: 'x-preview', value: { type: 'exact', text: 'yes' } };
  assert.deepEqual(rules, [{ match: byHeader, percent: 100, group: 'candidate' }]);
  for (const [spec, shown] of [
    [serviceSpec(), rotation],
    [service, { ...rotation, preview: ['b'] }],
  ] as const) {
    const plain = serviceRouting(spec, shown, instances);
    assert.deepEqual([plain.split, plain.rules, plain.backends.length], [null, [], 1]);
  }
});
