/**
 * Bugs hunted: statements of an old and a new version that take the two rows of a pair in opposite order and end in a
 * deadlock, and what one of them wrote getting lost when the other gives way. Two clients go step by step, so that
 * each of them holds what the other one wants.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Client } from 'pg';
import { eventually } from '../contract/eventually.ts';
import { changeOf, type TestDatabase, testDatabase } from '../support/database.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';

let server: Postgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

const SETUP = `CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, city text, zip text);
  INSERT INTO people SELECT n, 'name' || n, 'city' || n, 'zip' || n FROM generate_series(1, 9) AS n;
  CREATE TABLE cities (person int PRIMARY KEY REFERENCES people DEFERRABLE INITIALLY DEFERRED, city text, zip text)`;
const change = changeOf(`operations:
  - moveRows: { table: people, to: cities, columns: { person: id, city: city, zip: zip }, down: { id: person, city: city, zip: zip } }`);
const all = [change];

interface Two {
  readonly db: TestDatabase;
  readonly old: Client;
  readonly young: Client;
}

async function withTwo(work: (two: Two) => Promise<void>, setup = SETUP): Promise<void> {
  const db = await testDatabase(server, setup);
  try {
    await db.runner.expand(all, change.name);
    await db.runner.backfill(all, change.name);
    await work({ db, old: await db.connect(), young: await db.connect() });
  } finally {
    await db.close();
  }
}

async function pidOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? 0;
}

/** Sends a statement, and resolves when it waits for a lock, or is over; what becomes of it is in `over`. */
async function stuck(db: TestDatabase, client: Client, text: string) {
  const pid = await pidOf(client);
  let ended = false;
  const end = () => (ended = true);
  const over = client.query(text);
  over.then(end, end);
  await eventually(`it waits: ${text}`, async () => ended || (await waits(db, 'pid = $1', pid)));
  return { over };
}

async function waits(db: TestDatabase, who: string, ...values: readonly unknown[]): Promise<boolean> {
  const rows = await db.sql(
    `SELECT 1 FROM pg_stat_activity WHERE ${who} AND (wait_event_type = 'Lock' OR wait_event = 'PgSleep')`,
    values,
  );
  return rows.length > 0;
}

/** The row as either version sees it. */
async function seen(db: TestDatabase, id: number) {
  const [row] = await db.sql<{ old: string | null; new: string | null }>(
    `SELECT (SELECT city || ' ' || zip FROM people WHERE id = $1) AS old, (SELECT city || ' ' || zip FROM cities WHERE person = $1) AS new`,
    [id],
  );
  return row;
}

async function pendingRows(db: TestDatabase): Promise<number | undefined> {
  return (await db.runner.status(all)).changes[0]?.pendingRows;
}

/** The old version holds its row and the new version its own; then each asks for the other's. */
async function oldFirst({ db, old, young }: Two, oldText: string, newText: string) {
  await old.query('BEGIN; SELECT 1 FROM people WHERE id = 1 FOR UPDATE');
  await young.query('BEGIN; SELECT 1 FROM cities WHERE person = 1 FOR UPDATE');
  const written = await stuck(db, young, newText);
  const { over } = await stuck(db, old, oldText);
  await written.over;
  return { over };
}

async function newFirst({ db, old, young }: Two, oldText: string, newText: string) {
  await young.query('BEGIN; SELECT 1 FROM cities WHERE person = 1 FOR UPDATE');
  await old.query('BEGIN');
  const { over } = await stuck(db, old, oldText);
  await young.query(newText);
  return { over };
}

const ORDERS = { 'the old version first': oldFirst, 'the new version first': newFirst };
const OLD = `UPDATE people SET city = 'old' WHERE id = 1`;
const NEW = `UPDATE cities SET zip = 'new' WHERE person = 1`;

for (const [name, meet] of Object.entries(ORDERS)) {
  test(`${name}: both change the same row, and both changes count`, () =>
    withTwo(async (two) => {
      const { db, old, young } = two;
      const { over } = await meet(two, OLD, NEW);
      await young.query('COMMIT');
      await over;
      await old.query('COMMIT');
      assert.deepEqual(await seen(db, 1), { old: 'old new', new: 'old new' });
      assert.equal(await pendingRows(db), 0);
    }));

  test(`${name}: it goes back, and what the new version wrote comes to the old table`, () =>
    withTwo(async (two) => {
      const { db, old, young } = two;
      const { over } = await meet(two, OLD, NEW);
      await young.query('COMMIT');
      await over;
      await old.query('ROLLBACK');
      assert.deepEqual(await seen(db, 1), { old: 'city1 zip1', new: 'city1 new' });
      assert.equal(await pendingRows(db), 0, 'whoever asks brings it in step');
      assert.deepEqual(await seen(db, 1), { old: 'city1 new', new: 'city1 new' });
    }));

  test(`${name}: the new version goes back, and nothing of it is left`, () =>
    withTwo(async (two) => {
      const { db, old, young } = two;
      const { over } = await meet(two, OLD, NEW);
      await young.query('ROLLBACK');
      await over;
      await old.query('COMMIT');
      assert.deepEqual(await seen(db, 1), { old: 'old zip1', new: 'old zip1' });
      assert.equal(await pendingRows(db), 0);
    }));

  test(`${name}: the new version deletes what the old one changes`, () =>
    withTwo(async (two) => {
      const { db, old, young } = two;
      const { over } = await meet(two, OLD, 'DELETE FROM cities WHERE person = 1');
      await young.query('COMMIT');
      await over;
      await old.query('COMMIT');
      assert.deepEqual(await seen(db, 1), { old: null, new: null });
      assert.equal(await pendingRows(db), 0);
    }));

  test(`${name}: the old version deletes what the new one changes`, () =>
    withTwo(async (two) => {
      const { db, old, young } = two;
      const { over } = await meet(two, 'DELETE FROM people WHERE id = 1', NEW);
      await young.query('COMMIT');
      await over;
      await old.query('COMMIT');
      assert.deepEqual(await seen(db, 1), { old: null, new: null });
      assert.equal(await pendingRows(db), 0);
    }));
}

/** A statement of the new version that inserts stops, having inserted, before anything is passed on. */
const GATE = `CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF pg_trigger_depth() = 1 AND coalesce(current_setting('segue.backfill', true), '') = '' THEN PERFORM pg_advisory_xact_lock_shared(7); END IF; RETURN NULL;
  END $$; CREATE TRIGGER a_gate AFTER INSERT ON cities FOR EACH ROW EXECUTE FUNCTION gate()`;

const gated = (work: (two: Two, open: () => Promise<unknown>) => Promise<void>) =>
  withTwo(
    async (two) => {
      const gate = await two.db.connect();
      await gate.query('SELECT pg_advisory_lock(7)');
      await work(two, () => gate.query('SELECT pg_advisory_unlock(7)'));
    },
    `${SETUP.replace('REFERENCES people DEFERRABLE INITIALLY DEFERRED', '')}; ALTER TABLE people ALTER COLUMN name DROP NOT NULL; ${GATE}`,
  );

test('both make the same row at once', () =>
  gated(async ({ db, old, young }, open) => {
    await old.query('BEGIN');
    await young.query('BEGIN');
    const made = await stuck(db, young, `INSERT INTO cities VALUES (20, 'new', 'new')`);
    const { over } = await stuck(db, old, `INSERT INTO people VALUES (20, 'n', 'old', 'old')`);
    await open();
    await made.over;
    await young.query('COMMIT');
    await over;
    await old.query('COMMIT');
    assert.deepEqual(await seen(db, 20), { old: 'old old', new: 'old old' });
    assert.equal(await pendingRows(db), 0);
  }));

test('several rows at once, in opposite orders', () =>
  withTwo(async ({ db, old, young }) => {
    await old.query('BEGIN; SELECT 1 FROM people WHERE id IN (1, 2, 3) FOR UPDATE');
    await young.query('BEGIN; SELECT 1 FROM cities WHERE person IN (1, 2, 3) FOR UPDATE');
    const written = await stuck(db, young, `UPDATE cities SET zip = 'new' WHERE person IN (3, 2, 1)`);
    const { over } = await stuck(db, old, `UPDATE people SET city = 'old' WHERE id IN (1, 2, 3)`);
    await written.over;
    await young.query('COMMIT');
    await over;
    await old.query('COMMIT');
    for (const id of [1, 2, 3]) assert.deepEqual(await seen(db, id), { old: 'old new', new: 'old new' });
    assert.equal(await pendingRows(db), 0);
  }));

test('a row that somebody holds and never writes: the statement goes on, and the contract waits until it is free', () =>
  withTwo(async ({ db, old, young }) => {
    await old.query('BEGIN; SELECT 1 FROM people WHERE id IN (1, 2) FOR UPDATE');
    await young.query(`UPDATE cities SET zip = 'new' WHERE person IN (1, 2)`);
    await young.query('DELETE FROM cities WHERE person = 2');
    assert.equal(await pendingRows(db), 3);
    const impatient = await db.open('impatient', { lockWaitMs: 50 });
    for (const refused of [
      () => impatient.contract(all, change.name, { now: false }),
      () => impatient.revert(all, change.name, { dropData: false }),
    ])
      await assert.rejects(refused, {
        code: 'DATABASE_LOCKED',
        message: /3 rows .* held by others in people/,
      });
    await old.query('COMMIT');
    await db.runner.revert(all, change.name, { dropData: false });
    assert.deepEqual(await db.sql('SELECT id, city, zip FROM people WHERE id < 3'), [
      { id: 1, city: 'city1', zip: 'new' },
    ]);
  }));

test('whoever is strict about what others wrote is told so, as without a change', () =>
  withTwo(async (two) => {
    const { db, old, young } = two;
    await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM people WHERE id = 1 FOR UPDATE');
    const written = await stuck(db, young, NEW);
    const { over } = await stuck(db, old, OLD);
    await written.over;
    await assert.rejects(over, { code: '40001' });
    await old.query('ROLLBACK');
    assert.equal(await pendingRows(db), 0);
    assert.deepEqual(await seen(db, 1), { old: 'city1 new', new: 'city1 new' });
  }));

test('what the new version makes while the row is being filled stays', () =>
  gated(async ({ db, young }, open) => {
    await db.runner.revert(all, change.name, { dropData: false });
    await db.sql(`DELETE FROM cities WHERE person = 1; UPDATE cities SET zip = 'stale' WHERE person > 2`);
    await db.runner.expand(all, change.name);
    await young.query('BEGIN');
    const made = await stuck(db, young, `INSERT INTO cities VALUES (1, 'new', 'new')`);
    const filled = db.runner.backfill(all, change.name);
    await eventually('the backfill waits for it', () => waits(db, `application_name = 'segue'`));
    await open();
    await made.over;
    await young.query('COMMIT');
    await filled;
    assert.deepEqual(await seen(db, 1), { old: 'new new', new: 'new new' });
    assert.deepEqual(await seen(db, 3), { old: 'city3 zip3', new: 'city3 zip3' });
    assert.equal(await pendingRows(db), 0);
  }));
