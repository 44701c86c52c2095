/**
 * One operation under clients of both versions that never retry, forward, back and forward again: no statement may
 * fail, no row be lost, and nothing be left behind.
 */
import assert from 'node:assert/strict';
import { changeOf, type TestDatabase, testDatabase } from './database.ts';
import { type OperationCase, withRows } from './database-cases.ts';
import { underLoad } from './database-writers.ts';
import type { Postgres } from './postgres.ts';

const rows = 200;

async function valueOf(db: TestDatabase, query: string): Promise<unknown> {
  const [row] = await db.sql(query);
  return Object.values(row ?? {})[0];
}

async function inStep(db: TestDatabase, { apart }: OperationCase, when: string): Promise<void> {
  if (apart !== undefined) assert.equal(await valueOf(db, apart), 0, `rows apart ${when}`);
}

/** Both versions at work while `act` runs. */
const atWork = (db: TestDatabase, lists: readonly (readonly string[])[], act: () => Promise<void>) =>
  underLoad(
    db,
    lists.map((list) => list.map((text) => withRows(text, rows))),
    act,
  );

export async function losesNothing(server: Postgres, each: OperationCase): Promise<void> {
  const db = await testDatabase(server, withRows(each.setup, rows));
  try {
    const change = changeOf(each.change);
    const all = [change];
    const { runner } = db;
    const atFirst = await valueOf(db, each.oldSum);
    await runner.expand(all, change.name);
    assert.equal(await valueOf(db, each.oldSum), atFirst, 'expanding changed what the old version sees');
    await atWork(db, [each.old], () => runner.backfill(all, change.name));
    await atWork(db, [each.old, each.new], async () => undefined);
    await inStep(db, each, 'after both versions wrote');

    const atRevert = await valueOf(db, each.oldSum);
    await runner.revert(all, change.name, { dropData: true });
    assert.equal(await valueOf(db, each.oldSum), atRevert, 'the way back changed what the old version sees');

    await atWork(db, [each.old], async () => {
      await runner.expand(all, change.name);
      await runner.backfill(all, change.name);
    });
    await inStep(db, each, 'after the second backfill');
    await atWork(db, [each.old, each.new], async () => undefined);
    await inStep(db, each, 'after both versions wrote again');
    const atContract = await valueOf(db, each.newSum);
    await runner.contract(all, change.name, { now: true });
    assert.equal(
      await valueOf(db, each.newSum),
      atContract,
      'the contract changed what the new version sees',
    );
    await atWork(db, [each.new], async () => undefined);

    const { changes, drift } = await runner.status(all);
    assert.deepEqual([changes[0]?.phase, drift], ['finished', []]);
    const left = await valueOf(
      db,
      `SELECT count(*)::int FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE tgname LIKE 'zz_segue%'`,
    );
    assert.equal(left, 0, 'triggers are left');
  } finally {
    await db.close();
  }
}

/** The same with each act under load, too: nothing can be compared before and after it, but the two sides can. */
export async function failsNothing(server: Postgres, each: OperationCase): Promise<void> {
  const db = await testDatabase(server, withRows(each.setup, rows));
  try {
    const change = changeOf(each.change);
    const all = [change];
    const { runner } = db;
    const forward = async () => {
      await runner.expand(all, change.name);
      await runner.backfill(all, change.name);
    };
    for (const again of [true, false]) {
      await atWork(db, [each.old], forward);
      await atWork(db, [each.old, each.new], async () => undefined);
      await inStep(db, each, 'after both versions wrote');
      if (again) await atWork(db, [each.old], () => runner.revert(all, change.name, { dropData: true }));
    }
    await atWork(db, [each.new], () => runner.contract(all, change.name, { now: true }));
    const { changes, drift } = await runner.status(all);
    assert.deepEqual([changes[0]?.phase, drift], ['finished', []]);
  } finally {
    await db.close();
  }
}
