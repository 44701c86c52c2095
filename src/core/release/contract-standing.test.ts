/** Hunts a contract of which people read that it may come while it waits, and a way back that is promised past its end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Certificate } from './certificate.ts';
import { type ContractStanding, describeContract, describeNeed, describeReach } from './contract-standing.ts';
import type { ReleaseRecord } from './records.ts';
import type { SchemaFacts } from './schema.ts';
import type { ReleaseState } from './state.ts';
import type { Step } from './step.ts';
import { endsBetween, wayBackAfter, wayBackDuring } from './way-back.ts';

const standing: ContractStanding = {
  ...{ change: '0001-a', keptUntilMs: null, freeSinceMs: null, againSinceMs: null, dueAtMs: null },
  neededBy: [],
};
const psql = { seenIn: 'database', what: '"psql" is connected as app', sinceMs: 1_000 } as const;

test('what it waits for comes before anything that would let it come', () => {
  const times = { freeSinceMs: 1_000, dueAtMs: 5_000, keptUntilMs: 9_000 };
  assert.equal(describeContract({ ...standing, ...times, neededBy: [psql] }, 2_000), 'contract waits');
  const again = { ...standing, againSinceMs: 1_500, neededBy: [psql] };
  assert.equal(describeContract(again, 2_000), 'contract waits, needed again');
  assert.equal(describeContract({ ...standing, ...times }, 2_000), 'what it replaced is kept for 7s');
  assert.equal(
    describeContract({ ...standing, freeSinceMs: 1_000, dueAtMs: 5_000 }, 2_000),
    'contract in 3s',
  );
  assert.match(
    describeContract(standing, 2_000),
    /^nothing needs the old schema: segue database contract 0001-a$/,
  );
  assert.equal(describeNeed(psql, 61_000), '"psql" is connected as app, for 1m');
  assert.equal(describeNeed({ ...psql, sinceMs: null }, 61_000), psql.what);
});

test('a change that nothing is looked at for says how far it is', () => {
  const texts = (['new', 'expanded', 'filled', 'contracted', 'finished'] as const).map((reach) =>
    describeReach({ change: '0001-a', reach, standing: null }, 0),
  );
  assert.equal(new Set(texts).size, 5);
  const needed = { ...standing, neededBy: [psql] };
  assert.equal(describeReach({ change: '0001-a', reach: 'filled', standing: needed }, 0), 'contract waits');
});

test('one that failed says why and what comes next, and what is half done is not shown as done', () => {
  const failed = { code: 'DATABASE_LOCKED', detail: 'In the way:\n  pg_dump' } as const;
  const again = { ...standing, keptUntilMs: 9_000, failed: { error: failed, againAtMs: 62_000 } };
  assert.equal(
    describeContract(again, 2_000),
    'contract failed (DATABASE_LOCKED), tried again in 1m: In the way: pg_dump',
  );
  const waits = { ...again, failed: { error: failed, againAtMs: null } };
  assert.match(describeContract(waits, 2_000), /, "segue database contract 0001-a" tries again: /);
  assert.equal(describeContract({ ...waits, underWay: true }, 2_000), 'contract under way');
  const change = { change: '0001-a', reach: 'contracted', standing: null } as const;
  const done = describeReach(change, 0);
  const halfway = (['contract', 'restore'] as const).map((act) =>
    describeReach({ ...change, halfway: act }, 0),
  );
  assert.equal(new Set([done, ...halfway]).size, 3);
  assert.match(halfway[1] ?? '', /"segue database revert 0001-a --contract" ends that/);
});

const steps: readonly Step[] = [
  { kind: 'expand', change: { name: '0001-a', digest: '' } },
  { kind: 'preview', forMs: 1, instances: [] },
  { kind: 'promote', version: 'v2' },
];
const certificate: Certificate = {
  ...{ to: 'v1', problems: [], contracts: [{ name: '0001-a', keepMs: 0 }] },
  ways: [
    { fromStep: 1, toStep: 1, how: 'untouched', starts: 0, expanded: ['0001-a'] },
    { fromStep: 2, toStep: 2, how: 'one-routing', starts: 0, expanded: ['0001-a'] },
    { fromStep: 3, toStep: 3, how: 'new-release', starts: 0 },
  ],
};
const plan = { ...{ release: 'r2', service: 'web', strategy: 'canary', from: 'v1', to: 'v2', steps } };
const release = (state: ReleaseState, to = certificate.to): ReleaseRecord => ({
  ...{ id: 'r2', service: 'web', kind: 'deploy', by: 'test', from: 'v1', to: 'v2', baseline: [] },
  ...{ plan: { ...plan, certificate: { ...certificate, to } }, state },
  ...{ startedAtMs: 0, endedAtMs: null, receipt: null },
});

test('during a release the way back is that of the step under way, until it is promoted', () => {
  const at = (index: number, underWay: boolean) =>
    wayBackDuring(release({ phase: 'forward', at: index, underWay }));
  assert.match(
    at(0, false)?.text ?? '',
    /^nothing was changed yet; v1 can come back until the contract of 0001-a/,
  );
  assert.match(at(0, true)?.text ?? '', /stable is untouched.*0001-a stays expanded/);
  assert.equal(at(1, false)?.how, 'untouched');
  assert.deepEqual([at(1, true)?.how, at(1, true)?.until], ['one-routing', ['0001-a']]);
  assert.equal(at(3, false), null);
  assert.equal(wayBackDuring(release({ phase: 'forward', at: 0, underWay: true }, null)), null);
  const cause = { code: 'RELEASE_ABORTED', detail: '' } as const;
  assert.equal(wayBackDuring(release({ phase: 'turning', cause, tries: 0 })), null);
});

test('after a release it is a rollback, as long as that is not refused', () => {
  const open = wayBackAfter('web', 'v1', [{ name: '0001-a', keepMs: 0 }], null);
  assert.match(open.text, /^"segue rollback web" makes a new release; v1 can come back until the contract/);
  const refusal = { code: 'ROLLBACK_PAST_CONTRACT', detail: '0001-a was contracted' } as const;
  const closed = wayBackAfter('web', 'v1', [{ name: '0001-a', keepMs: 0 }], refusal);
  assert.deepEqual([closed.how, closed.until, closed.text], [null, [], 'none: 0001-a was contracted']);
});

test('after a contract that can be taken back the way back still has its end', () => {
  const change = { digest: '', keepMs: 3_600_000, comesBack: true } as const;
  const schema: SchemaFacts = {
    changes: [
      { ...change, name: '0001-a', reach: 'finished' },
      { ...change, name: '0002-b', reach: 'contracted' },
      { ...change, name: '0003-c', reach: 'filled' },
      { ...change, name: '0004-d', reach: 'filled' },
    ],
    known: { v1: ['0001-a'], v2: ['0001-a', '0002-b', '0003-c'] },
  };
  const ends = endsBetween(schema, 'v2', 'v1');
  assert.deepEqual(
    ends.map(({ name }) => name),
    ['0002-b', '0003-c'],
  );
  const { text, until } = wayBackAfter('web', 'v1', ends, null);
  assert.deepEqual(until, ['0002-b', '0003-c']);
  assert.match(
    text,
    /; v1 can come back until 1h after the contract of 0002-b, which [^;]*; then that is refused$/,
  );
});

test('the contract that ends the way back need not be the first one', () => {
  const first = { name: '0001-a', keepMs: 86_400_000, comesBack: true };
  const said = (second: object) =>
    wayBackAfter('web', 'v1', [first, { name: '0002-b', keepMs: 3_600_000, ...second }], null).text;
  assert.match(said({ comesBack: true }), /1d after the contract of 0001-a.*1h after the contract of 0002-b/);
  assert.match(said({}), /1d after the contract of 0001-a.*v1 can come back until the contract of 0002-b/);
  assert.doesNotMatch(said({ comesBack: true, keepMs: 86_400_000 }), /0002-b/);
});
