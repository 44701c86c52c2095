/**
 * Bugs hunted: a verb that says one thing and does another, that needs a segue.yaml or control after all, or
 * whose exit code misleads a script; and plain SQL that is split, repeated or recorded wrongly.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { cli, endCli, startCli } from '../support/cli.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';

let server: Postgres;
let folder: string;
before(async () => {
  server = await startPostgres();
  folder = await mkdtemp(path.join(tmpdir(), 'segue-dbcli-'));
});
after(async () => {
  endCli();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function place(setup: string) {
  const name = await server.createDatabase();
  const client = new pg.Client(server.config(name));
  client.on('error', () => undefined);
  await client.connect();
  await client.query(setup);
  const dir = path.join(folder, name);
  await mkdir(dir);
  const env = { DATABASE_URL: server.url(name) };
  return {
    dir,
    env,
    client,
    run: (...words: string[]) => cli(dir, ['database', ...words], env),
    write: async (file: string, text: string) => {
      await mkdir(path.dirname(path.join(dir, file)), { recursive: true });
      await writeFile(path.join(dir, file), text);
    },
  };
}

const PEOPLE = `CREATE TABLE people (id serial PRIMARY KEY, name text); INSERT INTO people (name) SELECT 'n' || i FROM generate_series(1, 3000) AS i`;
const RENAME = 'keep: 1h\noperations: [{ renameColumn: { table: people, column: name, to: full } }]\n';

test('a change from new to finished, with no segue.yaml and no control', async () => {
  const { dir, client, run, write } = await place(PEOPLE);
  const made = await run('new', 'rename-name');
  assert.match(made.out, /written: db\/changes\/0001-rename-name\/change\.yaml/);
  const text = await readFile(path.join(dir, 'db/changes/0001-rename-name/change.yaml'), 'utf8');
  assert.match(text, /\$schema=.*segue\.change\.schema\.json/);
  await write('db/changes/0001-rename-name/change.yaml', RENAME.replace('to:', 'tow:'));
  const bad = await run('expand');
  assert.equal(bad.exitCode, 2);
  assert.match(
    bad.err,
    /CHANGE_INVALID[\s\S]*change\.yaml:2:\d+: operations\[0\]\.renameColumn\.tow: unknown key; did you mean to\?/,
  );
  await write('db/changes/0001-rename-name/change.yaml', RENAME);

  const refused = await run('expand');
  assert.deepEqual([refused.exitCode, /DATABASE_NOT_ADOPTED/.test(refused.err)], [5, true]);
  assert.equal((await run('adopt')).exitCode, 0);
  assert.match(
    (await run('plan')).out,
    /expand: [\s\S]*ADD COLUMN "full" text[\s\S]*contract: [\s\S]*the way back/,
  );
  assert.match((await run('expand')).out, /\+ people\.name becomes full[\s\S]*expanded: 0001-rename-name/);
  assert.match((await run('backfill')).out, /100% people 3000 rows.*done\nready: /);
  assert.match((await run('contract')).out, /contracted: /);
  assert.match(
    (await run('status')).out,
    /0001-rename-name {2}contracted {2}what it replaced is kept in step for 1h more|5\dm/,
  );
  const finished = await run('contract', '0001', '--now', '--json');
  assert.match(finished.out.trim().split('\n').at(-1) ?? '', /"phase":"finished"/);
  const late = await run('revert', '0001');
  assert.deepEqual([late.exitCode, /CHANGE_ORDER/.test(late.err)], [5, true]);
  assert.deepEqual((await client.query('SELECT * FROM people WHERE id = 1')).rows, [{ id: 1, full: 'n1' }]);
  await client.end();
});

test('plain SQL goes statement by statement, its backfill until nothing changes, and back', async () => {
  const { client, run, write } = await place(PEOPLE);
  await write(
    'db/changes/0001-upper/expand.sql',
    `ALTER TABLE people ADD COLUMN upper text; -- a comment; with a semicolon
CREATE FUNCTION up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.upper := upper(NEW.name); RETURN NEW; END $$;
CREATE TRIGGER up BEFORE INSERT OR UPDATE ON people FOR EACH ROW EXECUTE FUNCTION up();
CREATE INDEX CONCURRENTLY people_upper ON people (upper);`,
  );
  await write(
    'db/changes/0001-upper/backfill.sql',
    'UPDATE people SET upper = upper(name) WHERE id IN (SELECT id FROM people WHERE upper IS NULL LIMIT :rows);',
  );
  await write(
    'db/changes/0001-upper/revert.sql',
    'DROP TRIGGER up ON people; DROP FUNCTION up; ALTER TABLE people DROP COLUMN upper;',
  );
  await run('adopt');
  assert.equal((await run('expand')).exitCode, 0);
  assert.equal((await run('backfill')).exitCode, 0);
  const { rows } = await client.query(
    'SELECT count(*)::int AS n FROM people WHERE upper <> upper(name) OR upper IS NULL',
  );
  assert.deepEqual(rows, [{ n: 0 }]);
  assert.equal((await client.query('SELECT changed::int FROM segue.backfills')).rows[0].changed, 3000);
  assert.equal((await run('revert')).exitCode, 0);
  assert.deepEqual((await client.query('SELECT * FROM people WHERE id = 1')).rows, [{ id: 1, name: 'n1' }]);

  await write('db/changes/0002-bad/expand.sql', 'SELECT 1;\nBEGIN;\nALTER TABEL people ADD x int;');
  assert.match((await run('status')).err, /expand\.sql:3:\d+: syntax error/);
  await write('db/changes/0002-bad/expand.sql', 'SELECT 1;\n  COMMIT;');
  assert.match(
    (await run('status')).err,
    /expand\.sql:2:3: COMMIT: each statement has a transaction of its own/,
  );
  await client.end();
});

test('Ctrl-C stops a backfill between two batches with exit code 4, and the next run goes on', async () => {
  const { dir, env, client, run, write } = await place(PEOPLE);
  await write('db/changes/0001-rename/change.yaml', RENAME);
  await run('adopt');
  await run('expand');
  await client.query('BEGIN; SELECT * FROM people WHERE id = 1500 FOR UPDATE');
  const backfill = startCli(dir, ['database', 'backfill', '--json'], env);
  while (!backfill.output().includes('"progress"')) await new Promise((resolve) => setTimeout(resolve, 20));
  backfill.child.kill('SIGINT');
  const { exitCode, out } = await backfill.result;
  assert.equal(exitCode, 4, out);
  assert.match(out, /BACKFILL_STOPPED/);
  await client.query('COMMIT');
  assert.match((await run('status')).out, /0001-rename {2}expanded +\[#*\.+\]/);
  assert.equal((await run('backfill')).exitCode, 0);
  await client.end();
});

test('segue.yaml says which database, an environment another, and --url the last word', async () => {
  const { dir, env, client, write } = await place('SELECT 1');
  const service = 'services: { web: { run: node x.js, traffic: { listen: 8080 } } }';
  await write(
    'segue.yaml',
    `project: p\n${service}\ndatabase: { url: "env:MAIN", changes: schema }\nenvironments: { staging: { database: { url: "env:STAGING" } } }\n`,
  );
  await write(
    'schema/0001-t/change.yaml',
    'operations: [{ createTable: { table: t, columns: { id: { type: int } } } }]\n',
  );
  const at = (vars: Record<string, string>, ...words: string[]) =>
    cli(dir, ['database', 'status', ...words], vars);
  assert.match((await at({ MAIN: env.DATABASE_URL })).out, /0001-t +new/);
  assert.match((await at({ STAGING: env.DATABASE_URL }, '--environment', 'staging')).out, /0001-t +new/);
  assert.match((await at({}, '--url', env.DATABASE_URL)).out, /0001-t +new/);
  const unset = await at({});
  assert.deepEqual(
    [unset.exitCode, /DATABASE_NOT_CONFIGURED[\s\S]*variable MAIN is/.test(unset.err)],
    [2, true],
  );
  await client.end();
});
