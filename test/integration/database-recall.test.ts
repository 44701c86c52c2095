/**
 * Bugs hunted: a row that the new version deletes or writes while a batch of the backfill is at it, and that the batch
 * makes again or writes over, because its statement does not see what was committed since it began. Every step is held
 * until the other side has come to the place where it hurts.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from '../contract/eventually.ts';
import { changeOf, type TestDatabase, testDatabase } from '../support/database.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';

let server: Postgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

const change = changeOf(`operations:
  - moveRows: { table: people, to: cities, columns: { person: id, city: city }, down: { id: person, city: city } }`);
const all = [change];
const { name } = change;

/** A statement stops at a gate that is shut. It asks again and again: no lock, so that no limit on locks ends it. */
const SETUP = `CREATE TABLE people (id int PRIMARY KEY, city text); INSERT INTO people SELECT n, 'old' FROM generate_series(1, 3) AS n;
  CREATE TABLE cities (person int PRIMARY KEY, city text); CREATE TABLE gates (name text PRIMARY KEY);
  CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    WHILE EXISTS (SELECT FROM gates WHERE name = TG_NAME) LOOP PERFORM pg_sleep(0.005); END LOOP; RETURN NEW;
  END $$;`;

const BACKFILL = `application_name = 'segue'`;

async function at(db: TestDatabase, event: 'Lock' | 'PgSleep', who: string): Promise<void> {
  await eventually(`${who} is at ${event}`, async () => {
    const found = await db.sql(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND ${who} AND '${event}' IN (wait_event_type, wait_event)`,
    );
    return found.length > 0;
  });
}

const open = (db: TestDatabase, gate: string) => db.sql('DELETE FROM gates WHERE name = $1', [gate]);

const rowsOf = (db: TestDatabase) =>
  db.sql(
    'SELECT coalesce(id, person) AS id, people.city AS old, cities.city AS new FROM people FULL JOIN cities ON person = id ORDER BY 1',
  );

const STANDS: Readonly<Record<string, string>> = {
  'and is the only one there': `INSERT INTO cities VALUES (1, 'old')`,
  'and is there with others': `INSERT INTO cities VALUES (1, 'old'), (2, 'stale')`,
};
const LEVELS = ['read committed', 'serializable'];

for (const [what, stands] of Object.entries(STANDS))
  for (const level of LEVELS)
    test(`a row that the new version deletes ${what} does not come again with the batch that waited for it: ${level}`, async () => {
      const db = await testDatabase(
        server,
        `${SETUP} ${stands}; CREATE TRIGGER a_deleted AFTER DELETE ON cities FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION gate();
         DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = %L', current_database(), '${level}'); END $$`,
      );
      try {
        await db.runner.expand(all, name);
        await db.sql(`INSERT INTO gates VALUES ('a_deleted')`);
        const young = await db.connect();
        await young.query(`SET application_name = 'young'; BEGIN ISOLATION LEVEL READ COMMITTED`);
        const deleted = young.query('DELETE FROM cities WHERE person = 1');
        await at(db, 'PgSleep', `application_name = 'young'`);
        const filled = db.runner.backfill(all, name);
        await at(db, 'Lock', BACKFILL);
        await open(db, 'a_deleted');
        await deleted;
        await young.query('COMMIT');
        await filled;
        assert.deepEqual(await rowsOf(db), [
          { id: 2, old: 'old', new: 'old' },
          { id: 3, old: 'old', new: 'old' },
        ]);
      } finally {
        await db.close();
      }
    });

test('a row that the new version deletes, makes again and writes stays as it wrote it last', async () => {
  const gate = (id: number) =>
    `CREATE TRIGGER a_made${id} BEFORE INSERT ON cities FOR EACH ROW WHEN (NEW.person = ${id} AND current_setting('application_name') = 'segue') EXECUTE FUNCTION gate();`;
  const db = await testDatabase(
    server,
    `${SETUP} INSERT INTO cities VALUES (2, 'stale'); ${gate(1)} ${gate(3)}`,
  );
  try {
    await db.runner.expand(all, name);
    await db.sql(`INSERT INTO gates VALUES ('a_made3')`);
    const filled = db.runner.backfill(all, name);
    // It has gone past the second row, which was there, and looks for the others; then it comes to it again.
    await at(db, 'PgSleep', BACKFILL);
    const young = await db.connect();
    await young.query(`BEGIN; DELETE FROM cities WHERE person = 2; INSERT INTO cities VALUES (2, 'again')`);
    await db.sql(`INSERT INTO gates VALUES ('a_made1')`);
    await open(db, 'a_made3');
    await at(db, 'Lock', BACKFILL);
    await young.query('COMMIT');
    await at(db, 'PgSleep', BACKFILL);
    await young.query(`UPDATE cities SET city = 'last' WHERE person = 2`);
    await open(db, 'a_made1');
    await filled;
    assert.equal((await db.runner.status(all)).changes[0]?.pendingRows, 0);
    assert.deepEqual((await rowsOf(db))[1], { id: 2, old: 'last', new: 'last' });
  } finally {
    await db.close();
  }
});
