/**
 * Bugs hunted: a trigger pair that takes the old side for the new one, loses what was written verbatim, fails
 * under names that need quotes, or breaks where changes wait on top of each other. The table of ambiguous cases
 * in docs/database.md is this table.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { changeOf, type TestDatabase, testDatabase } from '../support/database.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';

let server: Postgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

async function withChange(
  setup: string,
  yaml: string,
  work: (db: TestDatabase) => Promise<void>,
): Promise<void> {
  const db = await testDatabase(server, setup);
  try {
    await db.runner.expand([changeOf(yaml)], '0001-change');
    await work(db);
  } finally {
    await db.close();
  }
}

describe('a statement decides by what it changed', () => {
  const setup = `CREATE TABLE t (id int PRIMARY KEY, a text DEFAULT 'def', other int);
    INSERT INTO t VALUES (1, 'one', 0), (2, NULL, 0)`;
  const rename = 'operations: [{ renameColumn: { table: t, column: a, to: b } }]';
  const cases: readonly (readonly [
    what: string,
    statement: string,
    id: number,
    a: string | null,
    b: string | null,
  ])[] = [
    ['insert of the old version', `INSERT INTO t (id, a) VALUES (3, 'x')`, 3, 'x', 'x'],
    ['insert of the new version', `INSERT INTO t (id, b) VALUES (3, 'x')`, 3, 'x', 'x'],
    ['insert that gives neither: the default', `INSERT INTO t (id) VALUES (3)`, 3, 'def', 'def'],
    ['insert of NULL by the old version', `INSERT INTO t (id, a) VALUES (3, NULL)`, 3, null, null],
    [
      'insert of NULL by the new version: as if it gave none',
      `INSERT INTO t (id, b) VALUES (3, NULL)`,
      3,
      'def',
      'def',
    ],
    [
      'insert of both, different: the new one counts',
      `INSERT INTO t (id, a, b) VALUES (3, 'x', 'y')`,
      3,
      'y',
      'y',
    ],
    ['insert of both, alike', `INSERT INTO t (id, a, b) VALUES (3, 'x', 'x')`, 3, 'x', 'x'],
    ['update of the old version', `UPDATE t SET a = 'x' WHERE id = 1`, 1, 'x', 'x'],
    ['update of the new version', `UPDATE t SET b = 'x' WHERE id = 1`, 1, 'x', 'x'],
    [
      'update to NULL of the old version',
      `UPDATE t SET a = 'x' WHERE id = 1; UPDATE t SET a = NULL WHERE id = 1`,
      1,
      null,
      null,
    ],
    [
      'update to NULL of the new version',
      `UPDATE t SET b = 'x' WHERE id = 1; UPDATE t SET b = NULL WHERE id = 1`,
      1,
      null,
      null,
    ],
    [
      'update of both, different: the new one counts',
      `UPDATE t SET a = 'x', b = 'y' WHERE id = 1`,
      1,
      'y',
      'y',
    ],
    ['update of something else', `UPDATE t SET other = 1 WHERE id = 1`, 1, 'one', null],
    [
      'update that writes what was there',
      `UPDATE t SET b = 'q' WHERE id = 1; UPDATE t SET a = 'q', b = 'r' WHERE id = 1`,
      1,
      'r',
      'r',
    ],
    [
      'insert that becomes an update',
      `INSERT INTO t (id, a) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET a = EXCLUDED.a`,
      1,
      'x',
      'x',
    ],
    [
      'the same by the new version',
      `INSERT INTO t (id, b) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET b = EXCLUDED.b`,
      1,
      'x',
      'x',
    ],
  ];
  for (const [what, statement, id, a, b] of cases)
    test(what, () =>
      withChange(setup, rename, async (db) => {
        await db.sql(statement);
        assert.deepEqual(await db.sql(`SELECT a, b FROM t WHERE id = ${id}`), [{ a, b }]);
      }),
    );
});

test('what is written stays as it was written, and only the other side is worked out', () =>
  withChange(
    `CREATE TABLE t (id int PRIMARY KEY, name text NOT NULL); INSERT INTO t VALUES (1, 'Mary  Jane Watson')`,
    `operations: [{ splitColumn: { table: t, column: name, into: { first: { type: text, up: "split_part(name, ' ', 1)" }, last: { type: text, up: "split_part(name, ' ', -1)" } }, down: "first || ' ' || last" } }]`,
    async (db) => {
      const row = () => db.sql('SELECT name, first, last FROM t WHERE id = 1');
      await db.runner.backfill([], '0001-change');
      assert.deepEqual(await row(), [{ name: 'Mary  Jane Watson', first: 'Mary', last: 'Watson' }]);
      await db.sql(`UPDATE t SET name = 'Ann Mary Lee'`);
      assert.deepEqual(await row(), [{ name: 'Ann Mary Lee', first: 'Ann', last: 'Lee' }]);
      await db.sql(`UPDATE t SET last = 'Li'`);
      assert.deepEqual(await row(), [{ name: 'Ann Li', first: 'Ann', last: 'Li' }]);
    },
  ));

test('a row that the backfill has not come to may be written in part by the new version', () =>
  withChange(
    `CREATE TABLE t (id int PRIMARY KEY, name text NOT NULL); INSERT INTO t VALUES (1, 'Mary Watson')`,
    `operations: [{ splitColumn: { table: t, column: name, into: { first: { type: text, up: "split_part(name, ' ', 1)" }, last: { type: text, up: "split_part(name, ' ', 2)" } }, down: "first || ' ' || last" } }]`,
    async (db) => {
      await db.sql(`UPDATE t SET first = 'Jane' WHERE id = 1`);
      assert.deepEqual(await db.sql('SELECT * FROM t'), [
        { id: 1, name: 'Jane Watson', first: 'Jane', last: 'Watson' },
      ]);
    },
  ));

test('names that need quotes, have 63 bytes, mean something else, or are types without equality', async () => {
  const long = 'ä'.repeat(31);
  await withChange(
    `CREATE SCHEMA "My App"; CREATE TABLE "My App"."${long}" ("Id" uuid PRIMARY KEY DEFAULT gen_random_uuid(), "new" json, "O""dd" text, "select" text);
     INSERT INTO "My App"."${long}" ("new", "O""dd") VALUES ('{"a": 1}', 'x')`,
    `operations:
      - renameColumn: { table: '"My App"."${long}"', column: new, to: old }
      - renameColumn: { table: '"My App"."${long}"', column: 'O"dd', to: "${'ö'.repeat(31)}" }
      - changeType: { table: '"My App"."${long}"', column: select, type: 'varchar(5)', to: from, up: 'left("select", 5)', down: '"from"' }`,
    async (db) => {
      await db.runner.backfill([], '0001-change');
      await db.sql(`UPDATE "My App"."${long}" SET old = '{"b": 2}', "select" = 'abcdefg'`);
      assert.deepEqual(
        await db.sql(
          `SELECT "new", old, "O""dd" AS odd, "${'ö'.repeat(31)}" AS even, "select", "from" FROM "My App"."${long}"`,
        ),
        [{ new: { b: 2 }, old: { b: 2 }, odd: 'x', even: 'x', select: 'abcdefg', from: 'abcde' }],
      );
      await db.runner.contract([], '0001-change', { now: true });
    },
  );
});

test('changes that wait on top of each other pass a value through, both ways', async () => {
  const db = await testDatabase(
    server,
    `CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1)`,
  );
  const first = changeOf(
    'operations: [{ changeType: { table: t, column: a, type: text, to: b } }]',
    '0001-b',
  );
  const second = changeOf(
    'operations: [{ changeType: { table: t, column: b, type: numeric, to: c, up: b::numeric * 10, down: "trunc(c / 10)::text" } }]',
    '0002-c',
  );
  const all = [first, second];
  try {
    for (const { name } of all) {
      await db.runner.expand(all, name);
      await db.runner.backfill(all, name);
    }
    const row = async () => Object.values((await db.sql('SELECT a, b, c FROM t WHERE id = 1'))[0] ?? {});
    assert.deepEqual(await row(), [1, '1', '10']);
    for (const [statement, ...values] of [
      ['a = 2', 2, '2', '20'],
      [`b = '3'`, 3, '3', '30'],
      ['c = 45', 4, '4', '45'],
    ]) {
      await db.sql(`UPDATE t SET ${statement} WHERE id = 1`);
      assert.deepEqual(await row(), values);
    }
    await db.sql('INSERT INTO t (id, c) VALUES (2, 70)');
    assert.deepEqual(await db.sql('SELECT a, b FROM t WHERE id = 2'), [{ a: 7, b: '7' }]);
    await assert.rejects(db.runner.revert(all, '0001-b', { dropData: false }), { code: 'CHANGE_ORDER' });
    for (const { name } of all) await db.runner.contract(all, name, { now: true });
    assert.deepEqual(await db.sql('SELECT * FROM t WHERE id = 1'), [{ id: 1, c: '45' }]);
  } finally {
    await db.close();
  }
});

test('after the contract what the new version writes is kept in the old columns until they are dropped', () =>
  withChange(
    `CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL); INSERT INTO t VALUES (1, 'x')`,
    'keep: 1h\noperations: [{ renameColumn: { table: t, column: a, to: b } }]',
    async (db) => {
      await db.runner.backfill([], '0001-change');
      await db.runner.contract([], '0001-change', { now: false });
      await db.sql(`INSERT INTO t (id, b) VALUES (2, 'y'); UPDATE t SET b = 'z' WHERE id = 1`);
      await assert.rejects(db.sql('INSERT INTO t (id, b) VALUES (3, NULL)'), /not-null/);
      await db.runner.revert([], '0001-change', { dropData: false });
      assert.deepEqual(await db.sql('SELECT * FROM t ORDER BY id'), [
        { id: 1, a: 'z' },
        { id: 2, a: 'y' },
      ]);
    },
  ));

test('an application whose role may only write rows, with a search_path of its own, writes on', () =>
  withChange(
    `DROP ROLE IF EXISTS app; CREATE ROLE app; CREATE TABLE t (id int PRIMARY KEY, a text); CREATE TABLE u (id int PRIMARY KEY, a text);
     CREATE FUNCTION public.loud(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper($1)';
     GRANT SELECT, INSERT, UPDATE, DELETE ON t TO app; INSERT INTO t VALUES (1, 'x')`,
    `operations:
      - changeType: { table: t, column: a, type: text, to: b, up: loud(a), down: lower(b) }
      - moveRows: { table: t, to: u, columns: { id: id, a: a }, down: { id: id, a: a } }`,
    async (db) => {
      await db.sql(
        `SET ROLE app; SET search_path = pg_catalog; UPDATE public.t SET a = 'y' WHERE id = 1; INSERT INTO public.t (id, b) VALUES (2, 'Z')`,
      );
      await db.sql('RESET ROLE; RESET search_path');
      assert.deepEqual(await db.sql('SELECT * FROM t ORDER BY id'), [
        { id: 1, a: 'y', b: 'Y' },
        { id: 2, a: 'z', b: 'Z' },
      ]);
      assert.deepEqual(await db.sql('SELECT * FROM u ORDER BY id'), [
        { id: 1, a: 'y' },
        { id: 2, a: 'z' },
      ]);
    },
  ));
