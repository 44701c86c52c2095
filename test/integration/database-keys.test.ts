/**
 * Bugs hunted: a row that a backfill goes past, because a key reads in another order as text than as what it is, or
 * because a value is written into a statement as another one; and a place in a table that does not outlive a run, or
 * what happens to the table meanwhile.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { changeOf, type TestDatabase, testDatabase } from '../support/database.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';

const rows = 1_300;

let server: Postgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

/** Whatever an administrator may have set: how values are read and written depends on these. */
const ODD = `DO $do$ DECLARE name text; BEGIN FOREACH name IN ARRAY ARRAY['standard_conforming_strings = off', 'DateStyle = ''SQL, DMY''',
  'IntervalStyle = sql_standard', 'bytea_output = escape', 'escape_string_warning = off', 'TimeZone = ''Asia/Kathmandu''']
  LOOP EXECUTE format('ALTER DATABASE %I SET ', current_database()) || name; END LOOP; END $do$;`;

const TEXT = `(ARRAY['\\', '''', 'ä', 'Z', 'a', '%', '"', ''])[1 + i % 8] || i`;

/** Columns of the key, and what is in them. */
const KEYS: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'text in a collation of its own': [['text COLLATE "C"', TEXT]],
  'text in that of the database': [['varchar(40)', TEXT]],
  'numbers, one of which is none': [['numeric', `CASE i WHEN 7 THEN 'NaN' ELSE i / 7.0 - 90 END`]],
  floats: [['float8', `CASE i WHEN 7 THEN 'NaN' WHEN 8 THEN '-Infinity' ELSE i / 3.0::float8 - 90 END`]],
  dates: [['date', `CASE i WHEN 7 THEN 'infinity' ELSE date '1999-12-01' + i END`]],
  times: [['timestamptz', `timestamptz '2024-10-27 00:00+00' + i * interval '123.456789 seconds'`]],
  intervals: [['interval', `(i - 600) * interval '1 day 3 hours'`]],
  bytes: [['bytea', `decode(lpad(to_hex(i * 6007), 8, '0'), 'hex')`]],
  documents: [['jsonb', `jsonb_build_object('k', i, '\\', '"')`]],
  'two columns': [
    ['text', TEXT.replace('|| i', '|| i % 5')],
    ['int', '-i'],
  ],
};

const setup = (key: readonly (readonly [string, string])[]) => {
  const names = key.map((_, index) => `k${index}`);
  const columns = key.map(([type], index) => `k${index} ${type}`).join(', ');
  const table = (name: string) =>
    `CREATE TABLE ${name} (${columns}, a int NOT NULL, PRIMARY KEY (${names.join(', ')}));`;
  return `${table('t')} ${table('u')} INSERT INTO t SELECT ${key.map(([, value]) => `(${value})`).join(', ')}, i FROM generate_series(1, ${rows}) AS i; ${ODD}`;
};

async function backfill(db: TestDatabase, yaml: string, name: string): Promise<void> {
  const change = changeOf(yaml, name);
  await db.runner.expand([change], name);
  await db.runner.backfill([change], name);
}

describe('a backfill meets every row once, by a key of', { concurrency: 2 }, () => {
  for (const [name, key] of Object.entries(KEYS))
    test(name, async () => {
      const db = await testDatabase(server, setup(key));
      const names = key.map((_, index) => `k${index}`);
      const same = `{ ${[...names, 'a'].map((column) => `${column}: ${column}`).join(', ')} }`;
      try {
        await backfill(db, 'operations: [{ renameColumn: { table: t, column: a, to: b } }]', '0001-b');
        const apart = await db.sql('SELECT count(*)::int AS n FROM t WHERE b IS DISTINCT FROM a');
        assert.deepEqual(apart, [{ n: 0 }]);
        await backfill(
          db,
          `operations: [{ moveRows: { table: t, to: u, columns: ${same}, down: ${same} } }]`,
          '0002-u',
        );
        const missing = await db.sql(
          `SELECT count(*)::int AS n FROM t LEFT JOIN u USING (${names.join(', ')}) WHERE u.a IS DISTINCT FROM t.a`,
        );
        assert.deepEqual(missing, [{ n: 0 }]);
        const jobs = await db.sql('SELECT pass, rows::int, changed::int, done FROM segue.backfills');
        const whole = { pass: 1, rows, changed: rows, done: true };
        assert.deepEqual(jobs, [whole, whole]);
      } finally {
        await db.close();
      }
    });
});

describe('a place in a table', () => {
  const change = changeOf('operations: [{ renameColumn: { table: t, column: a, to: b } }]');
  const all = [change];
  const { name } = change;

  /** Stopped after its first batch. */
  async function begun(): Promise<TestDatabase> {
    const db = await testDatabase(server, setup([['int', 'i']]));
    await db.runner.expand(all, name);
    await oneBatch(db);
    return db;
  }

  async function oneBatch(db: TestDatabase): Promise<void> {
    const ending = { aborted: false };
    const onProgress = () => void (ending.aborted = true);
    await assert.rejects(db.runner.backfill(all, name, { signal: ending, onProgress }), {
      code: 'BACKFILL_STOPPED',
    });
  }

  const cursor = async (db: TestDatabase) =>
    (await db.sql<{ cursor: string[] }>('SELECT cursor FROM segue.backfills'))[0]?.cursor ?? [];

  async function ended(db: TestDatabase, pass: number): Promise<void> {
    await db.runner.backfill(all, name);
    assert.deepEqual(await db.sql('SELECT pass, done FROM segue.backfills'), [{ pass, done: true }]);
    assert.deepEqual(await db.sql('SELECT count(*)::int AS n FROM t WHERE b IS DISTINCT FROM a'), [{ n: 0 }]);
  }

  test('without an end gets one, and keeps it', async () => {
    const db = await begun();
    try {
      await db.sql('UPDATE segue.backfills SET cursor = cursor - 1');
      const [was = ''] = await cursor(db);
      await oneBatch(db);
      const [now, end, ...more] = await cursor(db);
      assert.ok(Number(now) > Number(was), `${now} after ${was}`);
      assert.deepEqual([end, more], [String(rows), []]);
      await ended(db, 1);
    } finally {
      await db.close();
    }
  });

  test('outlives that all behind it is deleted', async () => {
    const db = await begun();
    try {
      await db.sql('DELETE FROM t WHERE k0 > $1', [(await cursor(db))[0]]);
      await ended(db, 1);
    } finally {
      await db.close();
    }
  });

  test('is left for the beginning when a row turns up that no trigger saw', async () => {
    const db = await begun();
    try {
      await db.sql(
        `SET session_replication_role = replica; INSERT INTO t (k0, a) VALUES (-1, 1), (${rows + 9}, 2)`,
      );
      await ended(db, 2);
    } finally {
      await db.close();
    }
  });

  test('in a table without a row is its end', async () => {
    const db = await testDatabase(server, `${setup([['int', 'i']])} TRUNCATE t`);
    try {
      await db.runner.expand(all, name);
      await db.sql('INSERT INTO t (k0, a) VALUES (1, 1)');
      await ended(db, 1);
    } finally {
      await db.close();
    }
  });
});
