/**
 * Hunts groups that begin in the wrong order or deadlock on it, that go back in the wrong order, and plans of
 * members that promise less than those of a service alone.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { releaseOf } from '../../../test/support/release-records.ts';
import { hasFullTraffic, heard, isOutOfTraffic, joined, orderWithin, reversed } from './group.ts';
import type { ReleaseRecord } from './records.ts';
import type { Step } from './step.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];

/** Each after some of those before it in the list, as a file without circles has it. */
const relations = fc
  .array(fc.array(fc.nat(5), { maxLength: 4 }), { minLength: 6, maxLength: 6 })
  .map(
    (all) =>
      new Map(
        all.map((others, i) => [NAMES[i] ?? '', others.flatMap((o) => (o < i ? (NAMES[o] ?? []) : []))]),
      ),
  );

test('the order of a group has no circle, knows what lies between, and turns round whole', () => {
  fc.assert(
    fc.property(relations, fc.subarray(NAMES), (after, names) => {
      const order = orderWithin(names, (name) => after.get(name) ?? []);
      assert.deepEqual([...order.keys()], names);
      for (const [name, earlier] of order)
        for (const each of earlier) {
          assert.ok(names.includes(each) && each !== name);
          assert.ok(!order.get(each)?.includes(name), `${name} and ${each} would wait for each other`);
          for (const further of order.get(each) ?? []) assert.ok(earlier.includes(further), 'transitive');
        }
      for (const name of names)
        for (const each of after.get(name) ?? [])
          assert.equal(order.get(name)?.includes(each), names.includes(each));
      const back = reversed(order);
      for (const name of names)
        for (const each of names)
          assert.equal(back.get(name)?.includes(each), order.get(each)?.includes(name));
    }),
  );
});

test('what lies between two services of a group may stay outside of it', () => {
  const after = new Map([
    ['web', ['api']],
    ['api', ['database']],
  ]);
  const order = orderWithin(['web', 'database'], (name) => after.get(name) ?? []);
  assert.deepEqual(
    [...order],
    [
      ['web', ['database']],
      ['database', []],
    ],
  );
});

const instances = [{ id: 'web-r2-1', version: 'v2' }];
const rotation = { instances: [], split: null, draining: [] };
const STEPS: Step[] = [
  { kind: 'start', instances },
  { kind: 'route', rotation, purpose: 'everything to v2' },
  { kind: 'drain', instances: [] },
  { kind: 'bake', forMs: 1_000, instances },
  { kind: 'promote', version: 'v2' },
  { kind: 'stop', instances: [] },
];

const at = (index: number, steps: readonly Step[]): ReleaseRecord => {
  const record = releaseOf('done');
  return {
    ...record,
    endedAtMs: null,
    plan: { ...record.plan, steps },
    state: { phase: 'forward', at: index, underWay: true },
  };
};

test('a member waits for those before it, and for all before it promotes; alone it waits for nobody', () => {
  assert.deepEqual(joined(STEPS, 'v2', { after: [], others: [] }), STEPS);
  const steps = joined(STEPS, 'v2', { after: ['api'], others: ['api', 'mail'] });
  assert.deepEqual(
    steps.map(({ kind }) => kind).join(' '),
    'after start route drain bake together promote stop',
  );
  assert.deepEqual(steps[5], { kind: 'together', services: ['api', 'mail'], instances });
  const full = steps.map((_, index) => hasFullTraffic(at(index, steps)));
  assert.deepEqual(full, [false, false, false, false, true, true, true, true]);
});

test('a test of two versions that stops cannot be finished with others', () => {
  const stopping = STEPS.filter((step) => step.kind !== 'promote');
  assert.deepEqual(joined(stopping, 'v2', { after: [], others: [] }), stopping);
  assert.throws(() => joined(stopping, 'v2', { after: [], others: ['api'] }), { code: 'NOT_TOGETHER' });
});

test('a candidate is out of traffic when nothing of its way back moves traffic any more', () => {
  const cause = { code: 'GROUP_TURNED', detail: '' } as const;
  const steps: Step[] = [
    { kind: 'route', rotation, purpose: '' },
    { kind: 'drain', instances },
    { kind: 'stop', instances },
  ];
  const record = releaseOf('rolled-back');
  const back = (index: number) =>
    isOutOfTraffic({
      ...record,
      state: { phase: 'back', cause, tries: 0, steps, at: index, underWay: true },
    });
  assert.deepEqual([0, 1, 2].map(back), [false, false, true]);
  assert.ok(isOutOfTraffic(record));
  assert.ok(!isOutOfTraffic({ ...record, state: { phase: 'turning', cause, tries: 0 } }));
});

test('a worker that goes back is out of the way when its candidates have ended, not before', () => {
  const cause = { code: 'RELEASE_ABORTED', detail: '' } as const;
  const steps: Step[] = [{ kind: 'stop', instances, drainMs: 1_000 }];
  const record = releaseOf('rolled-back');
  const back = (index: number) =>
    isOutOfTraffic({
      ...record,
      state: { phase: 'back', cause, tries: 0, steps, at: index, underWay: true },
    });
  assert.deepEqual([0, 1].map(back), [false, true]);
});

test('a worker has taken over when all of its instances are at work and tested', () => {
  const steps: Step[] = [
    { kind: 'start', instances },
    { kind: 'ready', instances },
    { kind: 'smoke', when: 'at-work', instances },
    { kind: 'together', services: ['web'], instances },
    { kind: 'promote', version: 'v2' },
  ];
  assert.deepEqual(
    [0, 1, 2, 3].map((index) => hasFullTraffic(at(index, steps))),
    [false, false, false, true],
  );
});

test('a member that goes back takes the others with it, once, and names itself', () => {
  const other = at(1, STEPS);
  const failure = {
    type: 'step-failed',
    error: { code: 'SMOKE_FAILED', detail: 'GET / gave 500.' },
  } as const;
  const turned = heard(other, { ...at(0, STEPS), id: 'r7', service: 'api' }, failure);
  assert.ok(turned?.type === 'turned');
  assert.equal(turned.cause.code, 'GROUP_TURNED');
  assert.match(turned.cause.detail, /^r7 of api: A smoke test .* GET \/ gave 500\.$/);
  assert.equal(heard(other, at(5, STEPS), failure), null, 'past its promotion nothing turns');
  assert.equal(heard(releaseOf('rolled-back'), at(0, STEPS), failure), null);
});
