/**
 * Bugs hunted: a setting or a lock that stays with a connection of the server when another client gets it, one that
 * the next transaction of the same client does not have any more, and a run that a pooler in transaction mode breaks.
 * Both versions and Segue itself go through PgBouncer, with fewer connections than clients.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { changeOf, testDatabase } from '../support/database.ts';
import { OPERATION_CASES } from '../support/database-cases.ts';
import { failsNothing } from '../support/database-operation.ts';
import { hasPgbouncer, startPgbouncer } from '../support/pgbouncer.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';

const CASES = [/^rename a column/, /^split/, /^add unique/, /^rename a table/];

describe('through a pooler in transaction mode', { skip: !hasPgbouncer() }, () => {
  let server: Postgres;
  let pooled: Postgres;
  before(async () => {
    server = await startPostgres();
    pooled = await startPgbouncer(server);
  });
  after(async () => {
    await pooled.stop();
    await server.stop();
  });

  for (const each of OPERATION_CASES.filter(({ name }) => CASES.some((words) => words.test(name))))
    test(each.name, () => failsNothing(pooled, each));

  test('what Segue sets for itself is gone from the connections that others get', async () => {
    const db = await testDatabase(
      pooled,
      `CREATE TABLE people (id serial PRIMARY KEY, name text); INSERT INTO people (name) SELECT 'n' || i FROM generate_series(1, 3000) AS i`,
    );
    try {
      const change = changeOf('operations: [{ renameColumn: { table: people, column: name, to: full } }]');
      await db.runner.expand([change], change.name);
      const others = await Promise.all(Array.from({ length: 8 }, () => db.connect()));
      const seen = new Set<string>();
      const backfill = db.runner.backfill([change], change.name);
      let over = false;
      const look = async (client: (typeof others)[number]) => {
        do {
          const { rows } = await client.query(
            `SELECT concat_ws(' ', current_setting('lock_timeout'), current_setting('segue.backfill', true), current_setting('synchronous_commit'), current_setting('search_path')) AS settings`,
          );
          seen.add(rows[0].settings);
        } while (!over);
      };
      const looking = others.map(look);
      await backfill.finally(() => (over = true));
      await Promise.all(looking);
      // A setting of its own kind that was set once is empty afterwards, not away.
      assert.deepEqual(
        new Set([...seen].map((each) => each.replace(/ +/g, ' '))),
        new Set(['0 on "$user", public']),
      );
    } finally {
      await db.close();
    }
  });

  test('who is connected to the pooler alone is not seen, and who was seen stays for as long as the pooler keeps it', async () => {
    const db = await testDatabase(pooled, 'CREATE TABLE people (id serial PRIMARY KEY)');
    const [row] = await db.sql<{ name: string }>('SELECT current_database() AS name');
    const name = 'segue:web:v1:web-r1-1';
    const old = new pg.Client({ ...pooled.config(row?.name), application_name: name });
    const isSeen = async () => (await db.runner.clients()).some((client) => client.name === name);
    try {
      await old.connect();
      assert.equal(await isSeen(), false);
      await old.query('BEGIN; SELECT FROM people');
      assert.equal(await isSeen(), true);
      await old.query('COMMIT');
      assert.equal(await isSeen(), true);
    } finally {
      await old.end();
      await db.close();
    }
  });
});
