/** Hunts a change that is called fit and is not, a failure that is counted though it says nothing, and a wait that is lost. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Query } from './queries.ts';
import type { Rehearsal } from './report.ts';
import { Tally } from './tally.ts';
import { verdictOf } from './verdict.ts';

type Found = Omit<Rehearsal, 'verdict'>;

const FIT: Found = {
  format: 1,
  changes: ['0001-x'],
  copy: { from: 'schema', database: 'shop', server: 'localhost', rows: 10 },
  ...{ stages: [], statements: [], backfills: [], notes: [], broken: null, limitMs: 600 },
  crossed: { checked: 20, apart: [] },
  back: { state: 'gone', refused: null, rows: 0, values: 0, lost: [] },
  restored: {
    ...{ state: 'gone', contracts: [{ name: '0001-x', keepMs: 1, comesBack: true }] },
    ...{ crossed: { checked: 20, apart: [] }, rows: 0, values: 0, lost: [] },
  },
};

const query = (sql: string, side: Query['side'] = 'old'): Query => ({
  ...{ side, sql, params: [] },
  origin: 'generated',
});
const wait = {
  statement: 'SELECT 1',
  side: 'old',
  mode: 'AccessShareLock',
  on: 'people',
  behind: 'ALTER',
} as const;

const kinds = (found: Partial<Found>) => {
  const { fit, exitCode, reasons } = verdictOf({ ...FIT, ...found });
  return [fit, exitCode, ...reasons.map(({ kind }) => kind)];
};

test('each reason has its kind, and an exit code that says who has to act', () => {
  assert.deepEqual(kinds({}), [true, 0]);
  assert.deepEqual(kinds({ back: { ...FIT.back, values: 2 } }), [false, 4, 'lost']);
  assert.deepEqual(kinds({ back: { ...FIT.back, state: 'none' } }), [false, 4, 'no-way-back']);
  assert.deepEqual(kinds({ broken: { stage: 'expand', code: 'DATABASE_LOCKED', detail: 'x' } }), [
    false,
    2,
    'change-failed',
  ]);
  const apart = {
    writer: 'old',
    table: 't',
    columns: [],
    wrote: '',
    read: '',
    expected: '',
    times: 3,
  } as const;
  assert.deepEqual(kinds({ crossed: { checked: 5, apart: [apart] }, back: { ...FIT.back, rows: 1 } }), [
    false,
    2,
    'read-apart',
    'lost',
  ]);
});

test('what is lost or read apart once a contract was taken back counts; a contract without a way back does not', () => {
  const { restored } = FIT;
  assert.ok(restored);
  assert.deepEqual(kinds({ restored: { ...restored, rows: 1 } }), [false, 4, 'lost']);
  const apart = {
    writer: 'new',
    table: 't',
    columns: [],
    wrote: '',
    read: '',
    expected: '',
    times: 1,
  } as const;
  assert.deepEqual(kinds({ restored: { ...restored, crossed: { checked: 1, apart: [apart] } } }), [
    false,
    2,
    'read-apart',
  ]);
  assert.deepEqual(kinds({ restored: { ...restored, state: 'none' } }), [true, 0]);
  assert.deepEqual(kinds({ restored: null }), [true, 0]);
});

test('waits count when they are for the change and longer than the limit', () => {
  const stage = (longestMs: number, byChange: boolean): Found['stages'] => [
    {
      ...{ stage: 'expand', tookMs: 1, statements: 1, failed: 0, longestMs, steps: [], stoodBehind: [] },
      waits: [{ ...wait, byChange, times: 1, longestMs }],
    },
  ];
  assert.deepEqual(kinds({ stages: stage(601, true) }), [false, 2, 'waited']);
  assert.deepEqual(kinds({ stages: stage(600, true) }), [true, 0]);
  assert.deepEqual(kinds({ stages: stage(9_000, false) }), [true, 0]);
});

test('failures count by stage, until it turns out that they say nothing about the change', () => {
  const tally = new Tally();
  const [good, bad] = [query('SELECT 1'), query('SELECT 2', 'new')];
  tally.begin('before', 0);
  tally.ran(good, 5, null);
  tally.ran(bad, 7, { code: '42703', message: 'no such column' });
  tally.begin('both', 100);
  tally.ran(bad, 3, { code: '42703', message: 'no such column' });
  tally.ran(bad, 3, { code: '42703', message: 'no such column' });
  tally.end(150);
  assert.deepEqual(
    tally.stages.map(({ stage, tookMs, statements, failed, longestMs }) => [
      stage,
      tookMs,
      statements,
      failed,
      longestMs,
    ]),
    [
      ['before', 100, 2, 1, 7],
      ['both', 50, 2, 2, 3],
    ],
  );
  const [, second] = tally.statements;
  assert.deepEqual(
    second?.failures.map(({ stage, times }) => [stage, times]),
    [
      ['before', 1],
      ['both', 2],
    ],
  );
  assert.deepEqual(kinds({ statements: tally.statements }), [false, 2, 'statements-failed']);
  tally.leaveOut(bad, 'it never worked');
  assert.deepEqual([tally.isOut(bad), tally.isOut(good)], [true, false]);
  // Of the new version nothing is known now.
  assert.deepEqual(kinds({ statements: tally.statements }), [false, 4, 'not-rehearsed']);
  assert.deepEqual(kinds({ statements: tally.statements.slice(0, 1) }), [true, 0]);
});

test('one wait is one however often it is looked at; those alike are counted', () => {
  const tally = new Tally();
  tally.begin('expand', 0);
  for (const [id, waitedMs] of [
    ['1 a', 10],
    ['1 a', 40],
    ['2 b', 25],
    ['1 a', 30],
  ] as const)
    tally.saw({ ...wait, id, waitedMs, byChange: true });
  tally.saw({ ...wait, id: '3 c', waitedMs: 99, byChange: true, on: 'teams' });
  tally.end(1);
  tally.saw({ ...wait, id: '4 d', waitedMs: 1, byChange: true });
  assert.deepEqual(
    tally.stages[0]?.waits.map(({ on, times, longestMs }) => [on, times, longestMs]),
    [
      ['teams', 1, 99],
      ['people', 2, 40],
    ],
  );
});
