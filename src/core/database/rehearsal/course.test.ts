/** Hunts a change that is rehearsed though it is past that, or without those that come before it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { SegueError } from '../../errors.ts';
import type { Change, Operation } from '../change.ts';
import type { Phase } from '../phase.ts';
import type { ChangeState } from '../runner.ts';
import { comingBack, courseOf, endsOf, noWayBackOf } from './course.ts';

const change = (name: string): Change => ({
  name,
  digest: '',
  keepMs: 0,
  body: { form: 'operations', operations: [] },
});
const state = (name: string, phase: Phase): ChangeState => ({
  ...{
    name,
    phase,
    edited: false,
    missing: false,
    keptUntilMs: null,
    backfill: null,
    pendingRows: 0,
    comesBack: false,
  },
});

const ALL = ['0001-a', '0002-b', '0003-c', '0004-d'].map(change);
const STATES = [state('0001-a', 'finished'), state('0002-b', 'contracted'), state('0003-c', 'expanded')];

function course(named: string | null, states = STATES): string[][] {
  const { earlier, rehearsed, notes } = courseOf(ALL, states, named);
  return [earlier.map(({ name }) => name), rehearsed.map(({ name }) => name), [...notes]];
}

const code = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return error instanceof SegueError ? error.code : String(error);
  }
  return 'nothing thrown';
};

test('all that are not finished, in their order; one that is named, after those before it', () => {
  const note = '0002-b is contracted: it stays as it is';
  assert.deepEqual(course(null), [[], ['0003-c', '0004-d'], [note]]);
  assert.deepEqual(course('0004-d'), [['0003-c'], ['0004-d'], [note]]);
  assert.deepEqual(course('0003-c'), [[], ['0003-c'], [note]]);
});

test('one that is in the middle is said to stay as it is, whichever way it goes', () => {
  for (const phase of ['contracting', 'restoring', 'reverting'] as const)
    assert.deepEqual(course('0002-b', [state('0001-a', phase)])[2], [
      `0001-a is ${phase}: it stays as it is`,
    ]);
});

test('what cannot be rehearsed is refused', () => {
  assert.equal(
    code(() => course('0001-a')),
    'REHEARSAL_NOTHING',
  );
  assert.equal(
    code(() => course('0009-z')),
    'CHANGE_UNKNOWN',
  );
  assert.equal(
    code(() => courseOf([], [], null)),
    'REHEARSAL_NOTHING',
  );
  const done = ALL.map(({ name }) => state(name, 'adopted'));
  assert.equal(
    code(() => course(null, done)),
    'REHEARSAL_NOTHING',
  );
});

test('SQL that says no way back has none', () => {
  const files = { expand: ['SELECT 1'], backfill: [], contract: [], revert: [] };
  assert.match(noWayBackOf({ ...change('0001-a'), body: { form: 'sql', files } }) ?? '', /no revert\.sql/);
  assert.equal(
    noWayBackOf({ ...change('0001-a'), body: { form: 'sql', files: { ...files, revert: ['SELECT 1'] } } }),
    null,
  );
  const sql = { type: 'sql', up: 'SELECT 1', down: null, contract: null, lock: null } as const;
  assert.match(
    noWayBackOf({ ...change('0001-a'), body: { form: 'operations', operations: [sql] } }) ?? '',
    /operations\[0\]/,
  );
  assert.equal(noWayBackOf(change('0001-a')), null);
});

test('contracts can be taken back up to the first that cannot, which would be in the way of those before it', () => {
  const table = { schema: 'public', name: 't' };
  const rename: Operation = { type: 'renameColumn', table, column: 'a', to: 'b' };
  const kept = (name: string, keepMs: number): Change => ({
    ...{ name, digest: '', keepMs },
    body: { form: 'operations', operations: [rename] },
  });
  const [first, second, third] = [kept('0001-a', 1_000), kept('0002-b', 0), kept('0003-c', 1_000)];
  const names = (changes: readonly Change[]) => comingBack(changes).map(({ name }) => name);
  assert.deepEqual(names([first, second, third]), ['0001-a']);
  assert.deepEqual(names([first, third]), ['0001-a', '0003-c']);
  assert.deepEqual(names([second, third]), []);
  assert.deepEqual(endsOf([first, second]), [
    { name: '0001-a', keepMs: 1_000, comesBack: true },
    { name: '0002-b', keepMs: 0, comesBack: false },
  ]);
});
