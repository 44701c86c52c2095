/**
 * Bugs hunted: a copy that is left behind or dropped under another rehearsal, one that is made of what it should
 * not be or writes elsewhere, tables that stay empty without a word, and a refusal that names no way on.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fillTables } from '../../src/drivers/database/postgres/rehearsal/filler.ts';
import { readTables } from '../../src/drivers/database/postgres/rehearsal/tables.ts';
import { cli } from '../support/cli.ts';
import { binaries } from '../support/postgres.ts';
import { PEOPLE, RENAME, rehearsalServer, type RehearsalServer, untilSaid } from '../support/rehearsal.ts';

let server: RehearsalServer;
before(async () => {
  server = await rehearsalServer();
});
after(() => server.end());

const CHANGE = { '0001-rename/change.yaml': RENAME };

/** Those that belong to the server; without them the refusal is what can be tested. */
function programs(): string | null {
  const bin = binaries();
  return existsSync(path.join(bin, 'pg_dump')) ? bin : null;
}

test('a rehearsal that was killed leaves a copy behind, and the next one drops that one only', async () => {
  const { start, run } = await server.place(PEOPLE, CHANGE);
  const killed = start('--stay', '10m');
  await untilSaid(killed, /before: /);
  const [left] = await server.copies();
  assert.match(left ?? '', /^segue_rehearsal_[0-9a-z]{12}$/);
  killed.child.kill('SIGKILL');
  await killed.result;
  const other = 'segue_rehearsal_aaaaaaaaaaaa';
  await server.onceOn('postgres', `CREATE DATABASE ${other}`);
  const alive = (await server.place(PEOPLE, CHANGE)).start('--stay', '10m');
  await untilSaid(alive, /before: /);
  const working = (await server.copies()).filter((name) => name !== other && name !== left);
  assert.match(alive.output(), new RegExp(`${left} was left behind by a rehearsal that was killed: dropped`));
  const next = await run('--no-contract');
  assert.equal(next.exitCode, 0, next.err);
  assert.match(next.err, new RegExp(`${other} looks like the copy of a rehearsal, but does not say so`));
  assert.deepEqual(await server.copies(), [other, ...working].toSorted());

  alive.child.kill('SIGINT');
  const ended = await alive.result;
  assert.deepEqual([ended.exitCode, /REHEARSAL_STOPPED/.test(ended.err)], [4, true], ended.err);
  assert.deepEqual(await server.copies(), [other]);
  await server.onceOn('postgres', `DROP DATABASE ${other}`);
});

test('sessions on the database keep it from being copied whole, and are named', async () => {
  const { name, run } = await server.place(PEOPLE, CHANGE);
  const holder = await server.server.connect(name);
  await holder.query(`SET application_name = 'report'`);
  const { exitCode, err } = await run();
  assert.equal(exitCode, 5, err);
  assert.match(err, /REHEARSAL_IN_USE[\s\S]*pid \d+ \(postgres, report\), idle[\s\S]*next: .*--copy schema/);
  await holder.end();
  assert.deepEqual(await server.copies(), []);
});

test('a role that may not create databases is told what to ask for, and what is wrong with an address', async () => {
  const { name, dir, env, run } = await server.place(PEOPLE, CHANGE);
  await server.onceOn('postgres', `CREATE ROLE small LOGIN`);
  await server.onceOn(name, `ALTER DATABASE ${name} OWNER TO small; ALTER TABLE people OWNER TO small`);
  const url = (env['DATABASE_URL'] ?? '').replace('postgres@', 'small@');
  const { exitCode, err } = await cli(dir, ['database', 'rehearse', '--copy', 'template', '--url', url]);
  assert.equal(exitCode, 5, err);
  assert.match(err, /REHEARSAL_REFUSED[\s\S]*permission denied to create database[\s\S]*CREATEDB/);
  for (const [words, code, exit] of [
    [['--url', 'mysql://x'], 'DATABASE_NOT_CONFIGURED', 2],
    [['--url', 'postgres://127.0.0.1:1/x'], 'DATABASE_UNREACHABLE', 1],
    [['--on', url], 'USAGE', 2],
    [['--rows', '5'], 'USAGE', 2],
    [['--clients', '0'], 'USAGE', 2],
    [['--old-queries', 'nowhere.sql'], 'USAGE', 2],
    [['--copy', 'nowhere.dump'], 'USAGE', 2],
    [['--record', 'old.sql'], 'REHEARSAL_NOT_RECORDED', 5],
  ] as const) {
    const refused = await run(...words);
    assert.deepEqual([words, refused.exitCode, refused.err.includes(code)], [words, exit, true], refused.err);
  }
  await writeFile(path.join(dir, 'commit.sql'), 'UPDATE people SET age = 1; COMMIT');
  const commit = await run('--new-queries', 'commit.sql');
  assert.deepEqual([commit.exitCode, /CHANGE_INVALID[\s\S]*COMMIT/.test(commit.err)], [2, true], commit.err);
  assert.deepEqual(await server.copies(), []);
});

test('a copy that is lost in the middle ends the rehearsal with why, and nothing stays', async () => {
  const { start } = await server.place(PEOPLE, CHANGE);
  const run = start('--stay', '2s');
  await untilSaid(run, /before: /);
  const [copy] = await server.copies();
  await server.onceOn(
    'postgres',
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${copy}'`,
  );
  const { exitCode, err } = await run.result;
  assert.equal(exitCode, 1, err);
  assert.match(err, /DATABASE_UNREACHABLE/);
  assert.deepEqual(await server.copies(), []);
});

test('a dump is rehearsed on, and one that leads to another database is refused before it is read', async () => {
  const { dir, env, json, run } = await server.place('SELECT 1', CHANGE);
  await writeFile(path.join(dir, 'plain.sql'), `${PEOPLE};`);
  const found = await json('--copy', 'plain.sql', '--on', env['DATABASE_URL'] ?? '');
  assert.deepEqual(
    [found.exitCode, found.copy.from, found.copy.rows],
    [0, 'dump', 500],
    JSON.stringify(found.verdict),
  );
  const { name: other } = await server.place('CREATE TABLE kept (id int)', {});
  await writeFile(path.join(dir, 'all.sql'), `SELECT 1;\n\\connect ${other}\nDROP TABLE kept;\n`);
  const refused = await run('--copy', 'all.sql');
  assert.equal(refused.exitCode, 5, refused.err);
  assert.match(refused.err, /REHEARSAL_DUMP_REFUSED[\s\S]*all\.sql:2:1: \\connect/);
  await server.onceOn(other, 'SELECT * FROM kept');
  await writeFile(path.join(dir, 'broken.sql'), 'CREATE EXTENSION no_such_thing;');
  const broken = await run('--copy', 'broken.sql');
  assert.equal(broken.exitCode, 1, broken.err);
  assert.match(broken.err, /REHEARSAL_COPY_FAILED[\s\S]*no_such_thing/);
  assert.deepEqual(await server.copies(), []);
});

test('a schema is copied without its rows, and without the program for it that is said by name', async () => {
  const { name, dir, env, json } = await server.place(`${PEOPLE}; UPDATE people SET name = 'secret'`, CHANGE);
  const holder = await server.server.connect(name);
  const nowhere = await cli(dir, ['database', 'rehearse'], { ...env, PATH: '/nowhere' });
  assert.equal(nowhere.exitCode, 5, nowhere.err);
  assert.match(nowhere.err, /REHEARSAL_TOOL_MISSING[\s\S]*It is pg_dump\./);
  const bin = programs();
  if (bin !== null) {
    const found = await json('--copy', 'schema', '--rows', '300');
    assert.deepEqual(
      [found.exitCode, found.copy.from, found.copy.rows],
      [0, 'schema', 300],
      JSON.stringify(found),
    );
    assert.equal(found.backfills[0]?.realRows, 500);
    const file = path.join(dir, 'whole.dump');
    execFileSync(path.join(bin, 'pg_dump'), ['--format=custom', `--file=${file}`, env['DATABASE_URL'] ?? '']);
    const whole = await json('--copy', 'whole.dump', '--no-contract');
    assert.deepEqual([whole.exitCode, whole.copy.rows], [0, 500], JSON.stringify(whole.verdict));
    // The journal belongs to the schema: what is expanded there is expanded in the copy.
    for (const verb of ['adopt', 'expand'])
      assert.equal((await cli(dir, ['database', verb], env)).exitCode, 0);
    const half = await json('--copy', 'schema', '--rows', '100', '--no-contract');
    assert.equal(half.exitCode, 0, JSON.stringify(half));
    assert.deepEqual(half.stages.find(({ stage }) => stage === 'expand')?.steps, []);
  }
  await holder.end();
  assert.deepEqual(await server.copies(), []);
});

const EVERYTHING = `
  CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN score AS int CHECK (VALUE >= 0); CREATE SCHEMA app;
  CREATE TABLE app.teams (code char(3) PRIMARY KEY, label varchar(8) NOT NULL UNIQUE, lead int);
  CREATE TABLE everything (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, small smallint NOT NULL, n numeric(6,2) NOT NULL CHECK (n > 0), r real NOT NULL, d double precision NOT NULL,
    b boolean NOT NULL, t text NOT NULL CHECK (length(t) <= 10), v varchar(5) NOT NULL, u uuid NOT NULL UNIQUE, day date NOT NULL, at timestamptz NOT NULL,
    plain timestamp NOT NULL, tm time NOT NULL, span interval NOT NULL, j json NOT NULL, jb jsonb NOT NULL, bin bytea NOT NULL, ip inet NOT NULL, net cidr NOT NULL,
    mac macaddr NOT NULL, p point NOT NULL, m mood NOT NULL, s score NOT NULL, a int[] NOT NULL, ta text[] NOT NULL, rng int4range NOT NULL, cash money NOT NULL,
    bits bit(8) NOT NULL, words tsvector NOT NULL, kind text NOT NULL CHECK (kind IN ('x', 'it''s')), age int NOT NULL CHECK (age >= 18 AND age < 30),
    team char(3) NOT NULL REFERENCES app.teams, twice numeric GENERATED ALWAYS AS (n * 2) STORED);
  CREATE TABLE pairs (a char(3) REFERENCES app.teams, b bigint REFERENCES everything, PRIMARY KEY (a, b));
  CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree);
  ALTER TABLE app.teams ADD FOREIGN KEY (lead) REFERENCES tree;
  CREATE TABLE shaped (id serial PRIMARY KEY, area polygon NOT NULL);
  CREATE TABLE under (id int PRIMARY KEY, shape int NOT NULL REFERENCES shaped);
  CREATE TABLE strict (id int PRIMARY KEY, x int CHECK (x % 2 = 0 AND x IS NOT NULL));
  CREATE TABLE parts (id int, at date NOT NULL) PARTITION BY RANGE (at); CREATE TABLE parts_all PARTITION OF parts DEFAULT;`;

test('rows are made for every type, key, check and order of tables, and a table without any says why', async () => {
  const name = await server.server.createDatabase();
  const client = await server.server.connect(name);
  await client.query(EVERYTHING);
  const { notes } = await fillTables(client, await readTables(client), 200, new AbortController().signal);
  assert.deepEqual(
    notes.map((note) => note.replace(/:.*/, '')).toSorted(),
    ['shaped has no rows', 'strict has no rows', 'under has no rows'],
    notes.join('\n'),
  );
  assert.match(
    notes.join('\n'),
    /shaped.*no value of the type polygon[\s\S]*under has no rows: it points at shaped/,
  );
  for (const table of ['app.teams', 'everything', 'pairs', 'tree', 'parts']) {
    const { rows } = await client.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`);
    assert.deepEqual([table, rows[0]?.n], [table, 200]);
  }
  const { rows } = await client.query(
    `SELECT count(DISTINCT kind)::int AS kinds, count(DISTINCT m)::int AS moods, count(DISTINCT team)::int AS teams FROM everything`,
  );
  assert.deepEqual(rows, [{ kinds: 2, moods: 2, teams: 200 }]);
  await client.end();
});

test('what a database was asked most often becomes a file that a rehearsal takes', async () => {
  const bin = binaries();
  const control = path.join(
    bin,
    '../../../../share/postgresql',
    path.basename(path.dirname(bin)),
    'extension/pg_stat_statements.control',
  );
  const counting =
    existsSync(control) ||
    existsSync(path.join(bin, '../share/postgresql/extension/pg_stat_statements.control'));
  if (!counting) return;
  const counted = await rehearsalServer({ settings: { shared_preload_libraries: 'pg_stat_statements' } });
  try {
    const { name, dir, env, json } = await counted.place(
      `${PEOPLE}; CREATE EXTENSION pg_stat_statements`,
      CHANGE,
    );
    const client = await counted.server.connect(name);
    for (let id = 1; id < 9; id += 1) await client.query(`UPDATE people SET name = 'n' WHERE id = ${id}`);
    await client.query('SELECT name FROM people WHERE id = 3 LIMIT 2');
    await client.end();
    const recorded = await cli(dir, ['database', 'rehearse', '--record', 'old.sql'], env);
    assert.match(recorded.out, /written: old\.sql, \d+ statements/, recorded.err);
    const found = await json('--old-queries', 'old.sql');
    const update = found.statements.find(({ sql }) => sql === 'UPDATE people SET name = $1 WHERE id = $2');
    assert.deepEqual(
      [update?.origin, update?.failed, (update?.runs ?? 0) > 0],
      ['file', 0, true],
      JSON.stringify(found.statements),
    );
    assert.equal(found.exitCode, 0, JSON.stringify(found.verdict));
  } finally {
    await counted.end();
  }
});
