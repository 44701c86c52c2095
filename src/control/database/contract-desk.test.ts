/**
 * Hunts what a contract that did not end well leaves behind: a rollback that is refused for good, or begun on a schema
 * that nobody has looked at; a contract that a person is told may come while it failed; one that is tried again and
 * again; and one that is done and taken for one under way. The journal is a real one.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { CHOICE, type FakeDatabase, fakeDesk } from '../../../test/support/fake-database.ts';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import type { Phase } from '../../core/database/phase.ts';
import { SegueError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { describeContract } from '../../core/release/contract-standing.ts';
import { ContractDesk } from './contract-desk.ts';
import { contractOf, memoryOf, memorySetting, withContract } from './memory.ts';

const CHANGE = '0001-a';
const WORD = { by: 'ann', reason: '' };
const away = new SegueError('DATABASE_UNREACHABLE', 'it is away');
const refused = new SegueError('DATABASE_STATEMENT_FAILED', 'no');

interface Scene {
  /** What a contract makes of the database, and how it ends. */
  readonly comes: readonly [phase: Phase, error: SegueError | null];
  /** The database does not answer then. */
  readonly goesAway?: boolean;
  readonly comesBack?: boolean;
}

async function scene(t: TestContext, { comes, goesAway = false, comesBack = true }: Scene) {
  let isAway = false;
  const database: FakeDatabase = { folder: [CHANGE], phases: { [CHANGE]: 'ready' }, comesBack };
  const { ledger, desk } = await fakeDesk(t, database, { isAway: () => isAway });
  await desk.look();
  const clock = new FakeClock();
  let tries = 0;
  const contract = () => {
    tries += 1;
    database.phases = { [CHANGE]: comes[0] };
    isAway = goesAway;
    return comes[1] === null ? Promise.resolve() : Promise.reject(comes[1]);
  };
  const holders: string[] = [];
  const contracts = new ContractDesk({
    ...{ clock, plane: { report: () => null }, ledger, desk, flags: () => holders },
    work: { contract },
  });
  const running = contracts.run();
  t.after(async () => {
    contracts.close();
    await running;
  });
  /** Until the next round has ended. */
  const round = async () => {
    while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(limits.schema.contractIntervalMs);
    while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve));
  };
  const isRefused = () => {
    const facts = desk.factsFor('web', { version: 'v1', changes: [] }, CHOICE);
    assert.ok(facts);
    try {
      desk.refuseTaken(facts, 'v1');
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : 'refused';
    }
  };
  return {
    ...{ contracts, database, ledger, clock, round, isRefused, holders },
    tries: () => tries,
    answers: () => (isAway = false),
    record: () => contractOf(memoryOf(ledger), CHANGE),
    says: () => {
      const [coming] = contracts.coming;
      return coming ? describeContract(coming, clock.nowMs()) : '';
    },
  };
}

test('a contract that failed half way goes back with a rollback, which is not refused', async (t) => {
  const it = await scene(t, { comes: ['contracting', refused] });
  await assert.rejects(it.contracts.ask(CHANGE, false, WORD), { code: 'DATABASE_STATEMENT_FAILED' });
  assert.equal(it.isRefused(), null);
  const [change] = memoryOf(it.ledger).changes;
  assert.deepEqual([change?.reach, change?.halfway], ['contracted', 'contract']);
  await it.round();
  assert.match(
    it.says(),
    /^contract failed \(DATABASE_STATEMENT_FAILED\), "segue database contract 0001-a" tries again: no$/,
  );
  it.database.phases = { [CHANGE]: 'ready' };
  await it.round();
  assert.equal(it.record().failed, null, 'the next one begins anew');
});

test('one that has no way back says so, and what ends it', async (t) => {
  const it = await scene(t, { comes: ['contracting', refused], comesBack: false });
  await assert.rejects(it.contracts.ask(CHANGE, false, WORD));
  assert.match(it.isRefused() ?? '', /has no way back.*"segue database contract 0001-a" goes on with it/);
});

test('a contract that failed before it did anything holds nothing back, and waits for a person', async (t) => {
  const it = await scene(t, { comes: ['ready', refused] });
  await assert.rejects(it.contracts.ask(CHANGE, false, WORD));
  assert.equal(it.isRefused(), null);
  for (let i = 0; i < 30; i += 1) await it.round();
  assert.equal(it.tries(), 1);
  await assert.rejects(it.contracts.ask(CHANGE, false, WORD));
  assert.equal(it.tries(), 2);
});

test('what passes by itself is tried again after a while', async (t) => {
  const locked = new SegueError('DATABASE_LOCKED', 'In the way:\n  somebody');
  const it = await scene(t, { comes: ['ready', locked] });
  await assert.rejects(it.contracts.ask(CHANGE, false, WORD));
  await it.round();
  assert.equal(it.tries(), 1);
  assert.match(it.says(), /^contract failed \(DATABASE_LOCKED\), tried again in \d+s: In the way: somebody$/);
  const rounds = limits.schema.contractRetryMs / limits.schema.contractIntervalMs;
  for (let i = 0; i < rounds; i += 1) await it.round();
  assert.equal(it.tries(), 2);
});

test('while nobody knows how far it came nothing older comes back, and the message says what to do', async (t) => {
  const it = await scene(t, { comes: ['contracting', away], goesAway: true });
  await assert.rejects(it.contracts.ask(CHANGE, false, WORD));
  assert.match(
    it.isRefused() ?? '',
    /how far it came is not known.*Run the same again when the database ans/,
  );
  it.answers();
  await it.round();
  assert.equal(it.isRefused(), null);
});

test('while it is made nothing older comes back, and the message says what to do', async (t) => {
  const it = await scene(t, { comes: ['contracted', null] });
  let seen = '';
  let said = '';
  await it.round();
  it.ledger.follow(({ fact }) => {
    if (fact.kind !== 'contract-begun') return;
    seen = it.isRefused() ?? '';
    said = it.says();
  });
  await it.contracts.ask(CHANGE, false, WORD);
  assert.match(seen, /being contracted now.*run the same again, which takes the contract back while/);
  assert.equal(said, 'contract under way');
  assert.equal(it.isRefused(), null, 'it is kept');
});

test('one that was done before that could be written down is done', async (t) => {
  const it = await scene(t, { comes: ['contracted', null], goesAway: true });
  it.database.keptForMs = 60_000;
  await it.contracts.ask(CHANGE, false, WORD);
  assert.ok(it.record().begun, 'as far as is known');
  assert.match(it.isRefused() ?? '', /being contracted/);
  it.answers();
  await it.round();
  assert.equal(it.isRefused(), null);
  assert.equal(it.tries(), 1);
});

test('one that is held up after a crash is not under way', async (t) => {
  const it = await scene(t, { comes: ['contracted', null] });
  await it.round();
  await it.ledger.write(() => {
    const memory = withContract(memoryOf(it.ledger), CHANGE, { begun: true });
    return { facts: [], changes: [memorySetting(memory)] };
  });
  it.holders.push('somebody is connected');
  await it.round();
  assert.equal(it.record().begun, false);
  assert.equal(it.isRefused(), null);
});

test('a contract that is half taken back is shown as that, and nothing is contracted over it', async (t) => {
  const it = await scene(t, { comes: ['contracted', null] });
  it.database.phases = { [CHANGE]: 'restoring' };
  await it.round();
  assert.equal(memoryOf(it.ledger).changes[0]?.halfway, 'restore');
  await assert.rejects(it.contracts.ask(CHANGE, false, WORD), {
    code: 'CHANGE_ORDER',
    message: /half taken back.*"segue database revert 0001-a --contract" ends that/,
  });
  assert.equal(it.isRefused(), null);
});
