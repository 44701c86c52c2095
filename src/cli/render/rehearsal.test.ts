/** Hunts a report that hides what was found, and one that shows a change as fit that is not. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Rehearsal } from '../../core/database/rehearsal/report.ts';
import { verdictOf } from '../../core/database/rehearsal/verdict.ts';
import { renderRecorded, renderRehearsal } from './rehearsal.ts';
import { plainPaint } from './style.ts';

const FIT: Omit<Rehearsal, 'verdict'> = {
  format: 1,
  changes: ['0001-a', '0002-b'],
  copy: { from: 'schema', database: 'shop', server: 'localhost:5432', rows: 20_000 },
  stages: [
    {
      ...{ stage: 'expand', tookMs: 1_250, statements: 1_200, failed: 0, longestMs: 700 },
      waits: [
        {
          ...{
            statement: 'UPDATE people SET name = $1',
            side: 'old',
            mode: 'RowExclusiveLock',
            on: 'people',
          },
          ...{ behind: 'people.name becomes full', byChange: true, times: 2, longestMs: 80 },
        },
      ],
      ...{ steps: [], stoodBehind: ['pid 7 (report), idle in transaction for 4s: SELECT 1'] },
    },
  ],
  statements: [
    {
      side: 'old',
      sql: 'SELECT 1',
      origin: 'file',
      runs: 9,
      failed: 0,
      longestMs: 3,
      failures: [],
      unfit: null,
    },
  ],
  crossed: { checked: 40, apart: [] },
  back: { state: 'gone', refused: null, rows: 0, values: 0, lost: [] },
  restored: null,
  broken: null,
  backfills: [
    {
      change: '0001-a',
      table: 'people',
      rows: 10_000,
      rowsPerSecond: 5_000,
      realRows: 3_000_000,
      realMs: 600_000,
    },
  ],
  ...{ limitMs: 600, notes: [] },
};

const shown = (more: Partial<typeof FIT> = {}) => {
  const found = { ...FIT, ...more };
  return renderRehearsal({ ...found, verdict: verdictOf(found) }, plainPaint).join('\n');
};

test('a change that is fit: what was measured, what it comes to in life, and the verdict last', () => {
  const text = shown();
  for (const part of [
    /^0001-a, 0002-b {2}on a copy of shop \(schema, 20,000 rows, localhost:5432\)$/m,
    /^expand {2}1\.3s {7}1,200 {7}0 {4}700ms {4}80ms {2}what the new code needs is made$/m,
    /^backfill of people: 10,000 rows, 5,000\/s; about 10m for the 3,000,000 rows of the real one$/m,
    /^waited in expand, 2 times, up to 80ms: UPDATE people SET name = \$1\n {2}for RowExclusiveLock on people, behind: people\.name becomes full$/m,
    /^in expand the change itself stood behind pid 7 \(report\)/m,
    /^written by one version and read by the other: 40 values\nwould be lost on the way back: nothing\nfit: .*$/m,
  ])
    assert.match(text, part);
});

test('what failed, read apart, was left out and would be lost is there, and what has to be done', () => {
  const statement = { side: 'new', sql: 'SELECT fulll', origin: 'file', runs: 5, longestMs: 3 } as const;
  const failures = [{ stage: 'both', code: '42703', message: 'no such column', times: 5 }] as const;
  const lost = [
    { table: 'log', column: null, count: 1 },
    { table: 'people', column: 'nickname', count: 7 },
  ];
  const apart = {
    writer: 'old',
    table: 'people',
    columns: ['name'],
    wrote: 'Ann',
    read: '(x)',
    expected: '(y)',
    times: 2,
  } as const;
  const text = shown({
    statements: [
      ...FIT.statements,
      { ...statement, failed: 5, failures, unfit: null },
      { ...statement, sql: 'SELECT no', failed: 1, failures: [], unfit: 'it never worked' },
    ],
    crossed: { checked: 40, apart: [apart] },
    back: { state: 'gone', refused: '0001-a: rows of log.', rows: 1, values: 7, lost },
    notes: ['teams has no rows: why'],
  });
  for (const part of [
    /^failed \(new, 5 of 5\): SELECT fulll\n {2}in both, 5 times: no such column \(42703\)$/m,
    /^left out \(new\): SELECT no\n {2}it never worked$/m,
    /^read apart, 2 times: the old version wrote people\.name = Ann\n {2}the other one read \(x\), and should have read \(y\)$/m,
    /^would be lost on the way back: 1 row of log, 7 values of people\.nickname$/m,
    /^segue database revert would ask for --drop-data: 0001-a: rows of log\.$/m,
    /^note: teams has no rows: why$/m,
    /^not fit:\n {2}5 statements of the new version failed\n {2}2 values .*\n {2}1 row and 7 values would be lost on the way back$/m,
  ])
    assert.match(text, part);
  assert.match(
    shown({ back: { ...FIT.back, state: 'none' } }),
    /way back: there is none\nto be decided:\n {2}there is no way back$/,
  );
  assert.match(
    shown({
      broken: { stage: 'expand', code: 'DATABASE_LOCKED', detail: 'x' },
      back: { ...FIT.back, state: 'not-reached' },
    }),
    /the way back was not reached\nnot fit:\n {2}the change failed in expand: x$/,
  );
});

test('the way back from a contract is a part of its own, and what has none says until when the old version can come back', () => {
  const [expand] = FIT.stages;
  assert.ok(expand);
  const stageOf = (stage: typeof expand.stage) => ({ ...expand, stage, waits: [], stoodBehind: [] });
  const stages = [
    expand,
    ...(['contract', 'kept', 'restore', 'together', 'finish', 'after'] as const).map(stageOf),
  ];
  const contracts = [
    { name: '0001-a', keepMs: 3_600_000, comesBack: true },
    { name: '0002-b', keepMs: 0, comesBack: false },
  ];
  const restored = {
    state: 'gone',
    ...{ contracts, crossed: { checked: 30, apart: [] }, rows: 0, values: 2 },
    lost: [{ table: 'people', column: 'full', count: 2 }],
  } as const;
  const text = shown({ stages, restored });
  assert.match(
    text,
    /would be lost on the way back: nothing\n\nSTAGE +TOOK.*\ncontract .*\nkept .*\nrestore .*the contract is taken back\n[\s\S]*\nafter .*\n\nthe old version can come back until 1h after the contract of 0001-a, which is taken back first; then that is refused\nthe old version can come back until the contract of 0002-b, then that is refused\nwritten after the contract, and read once it was taken back: 30 values\nwould be lost by taking it back: 2 values of people\.full\nto be decided:\n {2}2 values would be lost by taking the contract back$/,
  );
  const none = { ...restored, state: 'none', contracts: contracts.slice(1), lost: [], values: 0 } as const;
  assert.match(
    shown({ stages, restored: { ...none, crossed: { checked: 0, apart: [] } } }),
    /\n\nthe old version can come back until the contract of 0002-b, then that is refused\nfit: /,
  );
  const notReached = shown({ restored: { ...restored, state: 'not-reached', lost: [], values: 0 } });
  assert.doesNotMatch(notReached, /contract/);
});

test('recorded statements are a file of SQL', () => {
  const text = renderRecorded([
    { sql: ' SELECT $1; ', calls: 12 },
    { sql: 'SELECT 2', calls: 1 },
  ]);
  assert.equal(text, '-- 12 calls\nSELECT $1;\n\n-- 1 call\nSELECT 2;\n');
});
