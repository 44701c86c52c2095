/**
 * Hunts a release that is planned by what the database was a while ago: a slow look that is remembered after a quicker
 * one, a version that gets traffic without its change, or one from before a contract. The journal is a real one.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Change } from '../../core/database/change.ts';
import type { Phase } from '../../core/database/phase.ts';
import type { ChangeRunner, ChangeState } from '../../core/database/runner.ts';
import { systemClock } from '../../drivers/clock/system.ts';
import { openSqliteStore } from '../../drivers/store/sqlite/open.ts';
import { Ledger } from '../ledger.ts';
import { NO_CONTRACT } from '../../core/release/contract.ts';
import { ContractDesk } from './contract-desk.ts';
import { contractOf, memoryOf, memorySetting, withContract } from './memory.ts';
import { SchemaDesk } from './schema-desk.ts';

const CHOICE = {
  ...{ url: 'postgres://db', changes: 'db/changes', services: null },
  contract: { afterMs: null, clients: [] },
};

const change = (name: string): Change => ({
  ...{ name, digest: name, keepMs: 60_000 },
  body: { form: 'operations', operations: [] },
});

const stateOf = (name: string, phase: Phase): ChangeState => ({
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

interface Database {
  folder: readonly string[];
  phases: Readonly<Record<string, Phase>>;
  comesBack?: boolean;
  /** What a look waits for, once it has read the folder. */
  slow: Promise<void>;
}

async function desk(t: TestContext, database: Database) {
  const root = await mkdtemp(path.join(os.tmpdir(), 'segue-schema-'));
  const store = await openSqliteStore({ root });
  t.after(async () => {
    await store.close();
    await rm(root, { recursive: true });
  });
  const ledger = await Ledger.open(store, systemClock);
  const never = () => Promise.reject(new Error('nobody asks for this'));
  const runner = (folder: readonly Change[], slow: Promise<void>): ChangeRunner => ({
    ...{ expand: never, backfill: never, contract: never, revert: never, order: never, adopt: never },
    ...{ close: () => Promise.resolve(), plan: () => Promise.resolve([]) },
    clients: () => Promise.resolve([]),
    check: () => Promise.resolve(),
    restore: never,
    async status() {
      const { comesBack = false } = database;
      const phaseOf = (name: string) => database.phases[name] ?? 'new';
      const changes = folder.map(({ name }) => ({ ...stateOf(name, phaseOf(name)), comesBack }));
      await slow;
      return { server: '17', adopted: true, changes, drift: [], holder: null };
    },
  });
  let read: readonly Change[] = [];
  const ports = {
    databases: { open: () => Promise.resolve(runner(read, database.slow)) },
    changes: { read: () => Promise.resolve((read = database.folder.map(change))) },
    source: { root, load: never },
    environment: {},
    clock: systemClock,
  };
  return { ledger, desk: new SchemaDesk({ ports, ledger, choice: () => CHOICE }) };
}

test('what a slow look saw is not remembered after what a later one did', async (t) => {
  let go = (): void => undefined;
  const database: Database = {
    folder: ['0001-a'],
    phases: {},
    slow: new Promise((resolve) => (go = resolve)),
  };
  const { desk: schema, ledger } = await desk(t, database);
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
  const database: Database = { folder: ['0001-a', '0002-b'], phases, slow: Promise.resolve() };
  const { desk: schema, ledger } = await desk(t, database);
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
  const database: Database = {
    folder: ['0001-a'],
    phases: { '0001-a': 'reverting' },
    slow: Promise.resolve(),
  };
  const { desk: schema } = await desk(t, database);
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
  const database: Database = { folder: ['0001-a'], phases: {}, slow: Promise.resolve() };
  const { desk: schema, ledger } = await desk(t, database);
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
  const database: Database = { folder: ['0001-a', '0002-b'], phases, slow: Promise.resolve() };
  const { desk: schema, ledger } = await desk(t, database);
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
