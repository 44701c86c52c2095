/**
 * Hunts a release that is planned by what the database was a while ago: a slow look that is remembered after a quicker
 * one, a version that gets traffic without its change, or one from before a contract. The journal is a real one.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHOICE, type FakeDatabase, fakeDesk } from '../../../test/support/fake-database.ts';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import type { Phase } from '../../core/database/phase.ts';
import { systemClock } from '../../drivers/clock/system.ts';
import { limits } from '../../core/limits.ts';
import type { Ledger } from '../ledger.ts';
import { NO_CONTRACT } from '../../core/release/contract.ts';
import { ContractDesk } from './contract-desk.ts';
import { contractOf, memoryOf, memorySetting, withContract } from './memory.ts';

test('what a slow look saw is not remembered after what a later one did', async (t) => {
  let go = (): void => undefined;
  const database: FakeDatabase = {
    folder: ['0001-a'],
    phases: {},
    slow: new Promise((resolve) => (go = resolve)),
  };
  const { desk: schema, ledger } = await fakeDesk(t, database);
  const slow = schema.look();
  await new Promise((resolve) => setImmediate(resolve));
  database.folder = ['0001-a', '0002-b'];
  database.slow = Promise.resolve();
  const quick = schema.readFor(CHOICE);
  // Time enough for it to be done, if it did not wait for the one before it.
  for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  go();
  assert.deepEqual(await quick, ['0001-a', '0002-b']);
  await slow;
  assert.deepEqual(
    memoryOf(ledger).changes.map(({ name }) => name),
    ['0001-a', '0002-b'],
  );
});

test('a version is refused without its change, after a contract, and while one is being made', async (t) => {
  const phases: Record<string, Phase> = { '0001-a': 'ready', '0002-b': 'ready' };
  const database: FakeDatabase = { folder: ['0001-a', '0002-b'], phases };
  const { desk: schema, ledger } = await fakeDesk(t, database);
  await schema.look();
  const refusal = (changes: readonly string[]) => {
    const facts = schema.factsFor('web', { version: 'v1', changes }, CHOICE);
    assert.ok(facts);
    try {
      schema.refuseTaken(facts, 'v1');
      return null;
    } catch (error) {
      return error instanceof Error && 'code' in error ? error.code : error;
    }
  };
  assert.equal(refusal(['0001-a']), null);
  assert.equal(refusal(['0001-a', '0003-gone']), 'CHANGE_UNKNOWN');
  await ledger.write(() => {
    const begun = withContract(memoryOf(ledger), '0001-a', { begun: true });
    return { facts: [], changes: [memorySetting(begun)] };
  });
  assert.equal(refusal([]), 'ROLLBACK_PAST_CONTRACT');
  assert.equal(refusal(['0001-a']), null);
  for (const phase of ['contracting', 'contracted', 'restoring', 'finished'] as const) {
    database.phases = { ...phases, '0002-b': phase };
    await schema.look();
    assert.equal(refusal(['0001-a']), 'ROLLBACK_PAST_CONTRACT', phase);
    assert.equal(refusal(['0001-a', '0002-b']), null, phase);
  }
  await ledger.write(() => {
    const none = withContract(memoryOf(ledger), '0001-a', { begun: false });
    return { facts: [], changes: [memorySetting(none)] };
  });
  database.comesBack = true;
  for (const phase of ['ready', 'contracted'] as const) {
    database.phases = { '0001-a': 'contracted', '0002-b': phase };
    await schema.look();
    assert.equal(refusal([]), null, 'both go back, the last one first');
    assert.equal(refusal(['0002-b']), phase === 'ready' ? null : 'ROLLBACK_PAST_CONTRACT', phase);
  }
  database.phases = { '0001-a': 'adopted', '0002-b': 'ready' };
  assert.deepEqual(await schema.readFor(CHOICE), ['0002-b'], 'what was there before is nobody’s');
  assert.equal(refusal(['0002-b']), null);
});

test('a change that was edited or is half taken back, and a database that is away, refuse a release', async (t) => {
  const database: FakeDatabase = {
    folder: ['0001-a'],
    phases: { '0001-a': 'reverting' },
  };
  const { desk: schema } = await fakeDesk(t, database);
  await assert.rejects(schema.readFor(CHOICE), { code: 'CHANGE_ORDER' });
  assert.equal(await schema.readForRollback(CHOICE), null, 'going back does not touch it');
  await assert.rejects(schema.readFor({ ...CHOICE, url: 'env:NOT_SET' }), {
    code: 'ENVIRONMENT_VALUE_MISSING',
  });
  assert.match(
    (await schema.readForRollback({ ...CHOICE, url: 'env:NOT_SET' })) ?? '',
    /planned by what it said last/,
  );
});

const SAID = { freeSinceMs: 1, word: { by: 'ann', reason: 'all is well' } };

async function said(ledger: Ledger, name: string): Promise<void> {
  await ledger.write(() => ({
    facts: [],
    changes: [memorySetting(withContract(memoryOf(ledger), name, SAID))],
  }));
}

test('no word and no time holds for a change that was taken back, or whose contract was', async (t) => {
  const database: FakeDatabase = { folder: ['0001-a'], phases: {} };
  const { desk: schema, ledger } = await fakeDesk(t, database);
  const after = async (...phases: readonly Phase[]) => {
    await said(ledger, '0001-a');
    for (const phase of phases) {
      database.phases = { '0001-a': phase };
      await schema.look();
    }
    const { word } = contractOf(memoryOf(ledger), '0001-a');
    return word;
  };
  assert.deepEqual(await after('ready'), SAID.word);
  assert.deepEqual(await after('contracting', 'contracted'), SAID.word);
  assert.deepEqual(await after('restoring'), SAID.word);
  assert.equal(await after('contracted', 'restoring', 'ready'), null);
  assert.equal(await after('reverting', 'reverted'), null);
  assert.deepEqual(contractOf(memoryOf(ledger), '0001-a'), NO_CONTRACT);
});

test('no contract is begun behind one that is being taken back', async (t) => {
  const phases: Record<string, Phase> = { '0001-a': 'restoring', '0002-b': 'ready' };
  const database: FakeDatabase = { folder: ['0001-a', '0002-b'], phases };
  const { desk: schema, ledger } = await fakeDesk(t, database);
  await schema.look();
  await said(ledger, '0002-b');
  const asked: string[] = [];
  const contracts = new ContractDesk({
    ...{ clock: systemClock, plane: { report: () => null }, ledger, desk: schema, flags: () => [] },
    work: { contract: (name) => Promise.resolve(void asked.push(name)) },
  });
  const running = contracts.run();
  t.after(async () => {
    contracts.close();
    await running;
  });
  const word = { by: 'ann', reason: '' };
  // In its turn after the round that has begun.
  await assert.rejects(contracts.ask('0001-a', false, word), { code: 'CHANGE_ORDER' });
  assert.deepEqual([asked, contracts.trouble], [[], null]);
  assert.deepEqual(
    contracts.coming.map(({ change: name }) => name),
    ['0002-b'],
  );
  await assert.rejects(contracts.ask('0002-b', false, word), { code: 'CHANGE_ORDER', message: /0001-a/ });
  database.phases = { ...phases, '0001-a': 'contracted' };
  await contracts.ask('0002-b', false, word);
  assert.deepEqual(asked, ['0002-b']);
});

test('a database that says nothing is away, and what it says much later is not remembered', async (t) => {
  let go = (): void => undefined;
  const database: FakeDatabase = {
    folder: ['0001-a'],
    phases: {},
    slow: new Promise((resolve) => (go = resolve)),
  };
  const clock = new FakeClock();
  const { desk: schema, ledger } = await fakeDesk(t, database, { clock });
  const rollback = schema.readForRollback(CHOICE);
  const release = assert.rejects(schema.readFor(CHOICE), { code: 'SCHEMA_NOT_READ' });
  for (let looks = 0; looks < 2; looks += 1) {
    while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(limits.schema.lookMs);
  }
  assert.match((await rollback) ?? '', /said nothing for 30s\.\): planned by what it said last/);
  await release;
  go();
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(memoryOf(ledger).changes, []);
});
