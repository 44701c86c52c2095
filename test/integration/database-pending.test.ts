/**
 * Bug hunted: what the new version wrote into a row that somebody held in the old table is overwritten by the backfill,
 * which takes what is still in the old table for the newer one, because others are before it in the line.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import { eventually } from '../contract/eventually.ts';
import { changeOf, testDatabase } from '../support/database.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';

let server: Postgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

const free = 200;
const rows = free + limits.database.settleRowsMax + 100;

const SETUP = `CREATE TABLE people (id int PRIMARY KEY, city text);
  INSERT INTO people SELECT n, 'old' FROM generate_series(1, ${rows}) AS n;
  CREATE TABLE cities (person int PRIMARY KEY, city text)`;
const change = changeOf(`operations:
  - moveRows: { table: people, to: cities, columns: { person: id, city: city }, down: { id: person, city: city } }`);

test('a row that is pending behind more than are settled at once is not overwritten by the backfill', async () => {
  const db = await testDatabase(server, SETUP);
  const { name } = change;
  const all = [change];
  try {
    await db.runner.expand(all, name);
    const [many, one, young] = [await db.connect(), await db.connect(), await db.connect()];
    await many.query(`BEGIN; SELECT FROM people WHERE id > ${free} FOR UPDATE`);
    await young.query(`INSERT INTO cities SELECT id, 'new' FROM people WHERE id > ${free}`);
    await one.query('BEGIN; SELECT FROM people WHERE id = 5 FOR UPDATE');
    await young.query(`INSERT INTO cities VALUES (5, 'new')`);
    await one.query('ROLLBACK');
    const over = db.runner.backfill(all, name);
    // It stands still before those that are held.
    await eventually('the row is gone past', async () => {
      const [job] = await db.sql<{ at: number | null }>(
        'SELECT (cursor->>0)::int AS at FROM segue.backfills',
      );
      return (job?.at ?? 0) >= 5;
    });
    const cities = await db.sql('SELECT city FROM cities WHERE person = 5');
    await many.query('ROLLBACK');
    await over;
    assert.deepEqual(cities, [{ city: 'new' }]);
    const [apart] = await db.sql(
      'SELECT count(*)::int AS n FROM people LEFT JOIN cities ON person = id WHERE people.city IS DISTINCT FROM cities.city',
    );
    assert.deepEqual(apart, { n: 0 });
    const news = await db.sql(`SELECT count(*)::int AS n FROM people WHERE city = 'new'`);
    assert.deepEqual(news, [{ n: rows - free + 1 }]);
  } finally {
    await db.close();
  }
});

test('a row that the new version deleted does not come again with the backfill', async () => {
  const db = await testDatabase(server, SETUP);
  const { name } = change;
  const all = [change];
  try {
    await db.runner.expand(all, name);
    const [old, young] = [await db.connect(), await db.connect()];
    await old.query(`UPDATE people SET city = 'touched' WHERE id = 5`);
    await old.query('BEGIN; SELECT FROM people WHERE id = 5 FOR UPDATE');
    await young.query('DELETE FROM cities WHERE person = 5');
    await old.query('ROLLBACK');
    await db.runner.backfill(all, name);
    const left = await db.sql(
      'SELECT id FROM people WHERE id = 5 UNION ALL SELECT person FROM cities WHERE person = 5',
    );
    assert.deepEqual(left, []);
    assert.deepEqual(await db.sql('SELECT count(*)::int AS n FROM cities'), [{ n: rows - 1 }]);
  } finally {
    await db.close();
  }
});
