/**
 * Bugs hunted: rows that row-level security hides from a backfill, which takes itself for done, so that the contract
 * drops what is in them; and columns that a trigger before the write reads too early.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { changeOf, testDatabase } from '../support/database.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';

let server: Postgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

test('a table of which row-level security hides rows from the role is refused before anything is done', async () => {
  const db = await testDatabase(
    server,
    `DROP ROLE IF EXISTS tenant; CREATE ROLE tenant; CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, d int); INSERT INTO t VALUES (1, 1), (2, 2);
     ALTER TABLE t OWNER TO tenant; ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON t USING (id = 1); GRANT CREATE ON SCHEMA public TO tenant`,
  );
  try {
    await db.sql(`ALTER SCHEMA segue OWNER TO tenant; GRANT ALL ON ALL TABLES IN SCHEMA segue TO tenant; GRANT ALL ON ALL SEQUENCES IN SCHEMA segue TO tenant;
      DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET role = tenant', current_database()); END $$`);
    const runner = await db.open('tenant');
    const hide = (how: string) => db.sql(`ALTER TABLE t ${how} ROW LEVEL SECURITY`);
    await hide('FORCE');
    for (const operation of [
      'renameColumn: { table: t, column: a, to: b }',
      'addColumn: { table: t, column: c, type: int, up: a }',
      'setNotNull: { table: t, column: d, up: "0" }',
      'dropNotNull: { table: t, column: a }',
      'renameTable: { table: t, to: u }',
    ]) {
      const change = changeOf(`operations: [{ ${operation} }]`);
      await assert.rejects(runner.expand([change], change.name), {
        code: 'CHANGE_IMPOSSIBLE',
        message: /hides rows of t from this role/,
      });
    }
    const change = changeOf('operations: [{ renameColumn: { table: t, column: a, to: b } }]');
    await hide('NO FORCE');
    await runner.expand([change], change.name);
    await hide('FORCE');
    await assert.rejects(runner.backfill([change], change.name), { code: 'DATABASE_FORBIDDEN' });
    await hide('NO FORCE');
    await runner.backfill([change], change.name);
    assert.deepEqual(await db.sql('SELECT count(*)::int AS n FROM t WHERE b = a'), [{ n: 2 }]);
  } finally {
    await db.close();
  }
});

test('an expression that reads a generated column is refused where a trigger before the write would read it', async () => {
  const db = await testDatabase(
    server,
    'CREATE TABLE t (id int PRIMARY KEY, a text, "Loud" text GENERATED ALWAYS AS (upper(a)) STORED)',
  );
  try {
    for (const operation of [
      `addColumn: { table: t, column: b, type: text, up: '"Loud" || 1', from: [a] }`,
      'addColumn: { table: t, column: b, type: text, up: a, from: [Loud] }',
      `changeType: { table: t, column: a, to: b, type: text, up: 'a || "Loud"', down: b }`,
      `setNotNull: { table: t, column: a, up: '"Loud"' }`,
    ]) {
      const change = changeOf(`operations: [{ ${operation} }]`);
      const message = /t\.Loud is generated/;
      await assert.rejects(db.runner.expand([change], change.name), { code: 'CHANGE_IMPOSSIBLE', message });
    }
    // A text is none.
    const up = `"'Loud' || lower(a)"`;
    const change = changeOf(
      `operations: [{ addColumn: { table: t, column: b, type: text, up: ${up}, from: [a] } }]`,
    );
    await db.runner.expand([change], change.name);
  } finally {
    await db.close();
  }
});

test('a table that others inherit from is refused where a trigger would have to see their rows', async () => {
  const db = await testDatabase(
    server,
    `CREATE TABLE t (id int PRIMARY KEY, a int); CREATE TABLE heir (b int) INHERITS (t); CREATE TABLE u (id int PRIMARY KEY, a int)`,
  );
  try {
    for (const operation of [
      'renameColumn: { table: t, column: a, to: c }',
      'addColumn: { table: t, column: c, type: int, up: a, from: [a] }',
      'setNotNull: { table: t, column: a, up: "0" }',
      'dropColumn: { table: t, column: a, down: "0" }',
      'renameTable: { table: t, to: v }',
      'moveRows: { table: u, to: t, columns: { id: id, a: a }, down: { id: id, a: a } }',
    ]) {
      const change = changeOf(`operations: [{ ${operation} }]`);
      const message = /Other tables inherit from t,/;
      await assert.rejects(db.runner.expand([change], change.name), { code: 'CHANGE_IMPOSSIBLE', message });
    }
    const change = changeOf(`operations: [{ addColumn: { table: t, column: c, type: int, default: "1" } }]`);
    await db.runner.expand([change], change.name);
  } finally {
    await db.close();
  }
});
