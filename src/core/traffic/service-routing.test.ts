/** Hunts instances that get traffic unready, or outside what a release asked for (R1, R3). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceSpec } from '../../../test/support/service-spec.ts';
import type { Rotation } from './rotation.ts';
import type { Match, Rule } from './rule.ts';
import { serviceRouting } from './service-routing.ts';

const instances = new Map(
  ['a', 'b', 'c', 'd'].map((id, i) => [
    id,
    { id, version: 'v1', host: '127.0.0.1', port: 20_000 + i, ready: id !== 'b', direct: false },
  ]),
);
const byHeader: Match = { type: 'header', name: 'x-preview', value: { type: 'exact', text: 'yes' } };
const rules: Rule[] = [{ name: 'preview', match: byHeader, percent: 100, group: 'candidate' }];
const rotation: Rotation = { instances: ['a', 'b', 'gone'], split: null, draining: ['b', 'gone'] };
const shared = (candidate: string[], percent: number, baseline: string[] = []): Rotation => ({
  ...rotation,
  split: {
    candidate: { instances: candidate, percent },
    baseline: { instances: baseline, percent: baseline.length > 0 ? percent : 0 },
    shadow: null,
    rules,
  },
});

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

test('a split says who gets which share, with the rules of the release', () => {
  const { backends, split, ...routing } = serviceRouting(serviceSpec(), shared(['c'], 5, ['d']), instances);
  assert.deepEqual(
    backends.map(({ id }) => id),
    ['a', 'c', 'd'],
  );
  assert.deepEqual(split, [
    { group: 'stable', percent: 90, version: 'v1', backends: ['a'] },
    { group: 'candidate', percent: 5, version: 'v1', backends: ['c'] },
    { group: 'baseline', percent: 5, version: 'v1', backends: ['d'] },
  ]);
  assert.deepEqual(routing.rules, rules);
});

test('a baseline of which nobody is ready leaves its share to stable', () => {
  const { split } = serviceRouting(serviceSpec(), shared(['c'], 20, ['b']), instances);
  assert.deepEqual(
    split?.map(({ group, percent }) => [group, percent]),
    [
      ['stable', 80],
      ['candidate', 20],
    ],
  );
});

test('a candidate of which nobody is ready has neither share nor rules (R3)', () => {
  const { backends, split, ...routing } = serviceRouting(serviceSpec(), shared(['b'], 50, ['d']), instances);
  assert.deepEqual([split, routing.rules, backends.length], [null, [], 1]);
});
