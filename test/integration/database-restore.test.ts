/**
 * Bugs hunted: a way back from a contract that loses what the new version wrote since, that leaves the two versions
 * out of step, or after which the contract cannot be made again. Every operation that keeps what it replaced, under
 * clients that never retry.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { changeOf, type TestDatabase, testDatabase } from '../support/database.ts';
import { OPERATION_CASES, withRows } from '../support/database-cases.ts';
import { Writers } from '../support/database-writers.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';

const rows = 50;
const statements = 10;

let server: Postgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

async function valueOf(db: TestDatabase, query: string): Promise<unknown> {
  const [row] = await db.sql(query);
  return Object.values(row ?? {})[0];
}

/** While `act` runs, and a while before and after it. */
async function underLoad(
  db: TestDatabase,
  lists: readonly (readonly string[])[],
  act: () => Promise<void> = () => Promise.resolve(),
) {
  const all = await Promise.all(
    lists.map((list) =>
      Writers.start(
        db,
        list.map((text) => withRows(text, rows)),
        1,
      ),
    ),
  );
  try {
    for (const each of all) await each.more(statements);
    await act();
    for (const each of all) await each.more(statements);
  } finally {
    for (const each of all) await each.stop();
  }
  assert.deepEqual(
    all.flatMap(({ failures }) => failures),
    [],
  );
}

/** What has nothing to keep is finished with its contract. */
const KEEPS = /rename|change a type|drop a column|split|merge|move|enum value/;

describe('the way back from a contract', { concurrency: 2 }, () => {
  for (const each of OPERATION_CASES)
    test(each.name, async () => {
      const db = await testDatabase(server, withRows(each.setup, rows));
      try {
        const change = changeOf(each.change.replace('keep: 0', 'keep: 1h'));
        const all = [change];
        const { runner } = db;
        const phase = async () => (await runner.status(all)).changes[0]?.phase;
        const inStep = async (when: string) =>
          each.apart === undefined || assert.equal(await valueOf(db, each.apart), 0, `rows apart ${when}`);
        await runner.expand(all, change.name);
        await runner.backfill(all, change.name);
        if (KEEPS.test(each.name)) {
          // One that failed half way goes back the same.
          const ending = { aborted: false };
          const stop = { signal: ending, onStep: () => void (ending.aborted = true) };
          const begun = runner.contract(all, change.name, { now: false }, stop);
          await begun.catch(() => undefined);
          await underLoad(db, [each.new], () => runner.restore(all, change.name));
          await underLoad(db, [each.old, each.new]);
          await inStep('after the way back from half of it');
        }
        await runner.contract(all, change.name, { now: false });
        if (!KEEPS.test(each.name)) {
          assert.equal(await phase(), 'finished');
          await assert.rejects(runner.restore(all, change.name), { code: 'CHANGE_ORDER' });
          return;
        }
        assert.equal(await phase(), 'contracted');
        await underLoad(db, [each.new], () => runner.restore(all, change.name));
        assert.equal(await phase(), 'ready');
        await inStep('after the way back');
        const seen = await valueOf(db, each.newSum);
        await runner.restore(all, change.name);
        assert.equal(await valueOf(db, each.newSum), seen, 'once more it does nothing');
        await underLoad(db, [each.old, each.new]);
        await inStep('after both versions wrote');
        await runner.contract(all, change.name, { now: false });
        const { changes, drift } = await runner.status(all);
        assert.deepEqual([changes[0]?.phase, drift], ['contracted', []]);
        assert.ok((changes[0]?.keptUntilMs ?? 0) > Date.now(), 'kept anew');
        await underLoad(db, [each.new]);
        await runner.contract(all, change.name, { now: true });
        assert.equal(await phase(), 'finished');
      } finally {
        await db.close();
      }
    });
});

test('what is above goes back first, and what has no way back says so', async () => {
  const db = await testDatabase(server, 'CREATE TABLE t (id int PRIMARY KEY, a int)');
  const first = changeOf('operations: [{ renameColumn: { table: t, column: a, to: b } }]', '0001-b');
  const second = changeOf(
    `operations: [{ renameColumn: { table: t, column: b, to: c } }, { sql: { up: SELECT 1, contract: SELECT 2 } }]`,
    '0002-c',
  );
  const all = [first, second];
  try {
    for (const { name } of all) {
      await db.runner.expand(all, name);
      await db.runner.backfill(all, name);
    }
    await assert.rejects(db.runner.restore(all, '0003-d'), { code: 'CHANGE_ORDER' });
    for (const { name } of all) await db.runner.contract(all, name, { now: false });
    await assert.rejects(db.runner.restore(all, '0001-b'), { code: 'CHANGE_ORDER', message: /0002-c/ });
    await assert.rejects(db.runner.restore(all, '0002-c'), { code: 'CHANGE_IMPOSSIBLE', message: /its SQL/ });
  } finally {
    await db.close();
  }
});

test('nothing goes back from what is partly dropped: the new columns are all that is left', async () => {
  const db = await testDatabase(
    server,
    'CREATE TABLE t (id int PRIMARY KEY, a int, b int); INSERT INTO t VALUES (1, 2, 3)',
  );
  const change = changeOf(
    'operations: [{ renameColumn: { table: t, column: a, to: c } }, { renameColumn: { table: t, column: b, to: d } }]',
  );
  const all = [change];
  const { name } = change;
  try {
    await db.runner.expand(all, name);
    await db.runner.backfill(all, name);
    await db.runner.contract(all, name, { now: false });
    const comesBack = async () => (await db.runner.status(all)).changes[0]?.comesBack;
    assert.equal(await comesBack(), true);
    const ending = { aborted: false };
    const stopped = db.runner.contract(
      all,
      name,
      { now: true },
      {
        signal: ending,
        onStep: ({ id, state }) => {
          if (id.startsWith('finish.') && state === 'done') ending.aborted = true;
        },
      },
    );
    await assert.rejects(stopped, { code: 'BACKFILL_STOPPED' });
    await assert.rejects(db.runner.restore(all, name), { code: 'CHANGE_ORDER' });
    await assert.rejects(db.runner.revert(all, name, { dropData: true }), { code: 'CHANGE_ORDER' });
    assert.equal(await comesBack(), false);
    await db.runner.contract(all, name, { now: true });
    assert.deepEqual(await db.sql('SELECT * FROM t'), [{ id: 1, c: 2, d: 3 }]);
  } finally {
    await db.close();
  }
});
