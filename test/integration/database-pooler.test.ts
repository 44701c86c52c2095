/**
 * Bugs hunted: a setting or a lock that stays with a connection of the server when another client gets it, one that
 * the next transaction of the same client does not have any more, and a run that a pooler in transaction mode breaks.
 * Both versions and Segue itself go through PgBouncer, with fewer connections than clients. And a rehearsal, which needs
 * sessions, that leaves what pg_dump set for its own with connections that the application gets next.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import pg from 'pg';
import { cli, endCli } from '../support/cli.ts';
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
    endCli();
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

  /** What the application reads through the pooler, on each of its connections. */
  async function readByOthers(name: string): Promise<Set<string>> {
    const clients = Array.from({ length: 6 }, () => new pg.Client(pooled.config(name)));
    const seen = new Set<string>();
    try {
      for (const client of clients) await client.connect();
      // Each holds one: that is all of them.
      for (const client of clients) await client.query('BEGIN');
      for (const client of clients) {
        const read = client.query(`SELECT current_setting('search_path') AS path FROM public.people LIMIT 1`);
        seen.add(await read.then(({ rows: [row] }) => row.path, String));
      }
      for (const client of clients) await client.query('COMMIT');
    } finally {
      for (const client of clients) await client.end();
    }
    return seen;
  }

  async function rehearsalPlace(t: TestContext) {
    const name = await server.createDatabase();
    const client = await server.connect(name);
    await client.query(
      'CREATE TABLE people (id serial PRIMARY KEY, name text); INSERT INTO people VALUES (1)',
    );
    await client.end();
    const dir = await mkdtemp(path.join(tmpdir(), 'segue-pooler-'));
    t.after(() => rm(dir, { recursive: true }));
    const change = path.join(dir, 'db/changes/0001-rename');
    await mkdir(change, { recursive: true });
    await writeFile(
      path.join(change, 'change.yaml'),
      'keep: 0\noperations: [{ renameColumn: { table: people, column: name, to: full } }]\n',
    );
    const run = (...words: string[]) => cli(dir, ['database', ...words]);
    return { name, run, rehearse: (...words: string[]) => run('rehearse', '--stay', '100ms', ...words) };
  }

  test('a rehearsal is refused before anything is set on a connection that others get', async (t) => {
    const { name, rehearse } = await rehearsalPlace(t);
    const seen = await readByOthers(name);
    const ways = [
      ['--url', pooled.url(name)],
      ['--url', pooled.url(name), '--on', server.url()],
      ['--url', server.url(name), '--on', pooled.url()],
    ];
    for (const words of ways) {
      const { exitCode, err } = await rehearse(...words);
      assert.deepEqual([exitCode, /REHEARSAL_POOLED/.test(err)], [5, true], err);
    }
    assert.deepEqual(await readByOthers(name), seen);
    assert.deepEqual(seen, new Set(['"$user", public']));
  });

  test('a rehearsal goes through a pooler that gives sessions', async (t) => {
    const { name, rehearse } = await rehearsalPlace(t);
    const sessions = await startPgbouncer(server, 'session');
    try {
      const { exitCode, out, err } = await rehearse('--url', sessions.url(name), '--rows', '50');
      assert.deepEqual([exitCode, /^fit: /m.test(out)], [0, true], out + err);
    } finally {
      await sessions.stop();
    }
  });

  test('a pooler that knows no transactions is named as what is in the way', async (t) => {
    const { name, run } = await rehearsalPlace(t);
    const statements = await startPgbouncer(server, 'statement');
    try {
      const { exitCode, err } = await run('status', '--url', statements.url(name));
      assert.deepEqual([exitCode, /DATABASE_UNSUPPORTED[\s\S]*statement pooling/.test(err)], [5, true], err);
    } finally {
      await statements.stop();
    }
  });
});
