/**
 * Bugs hunted: what somebody who knows only the manual runs into - a way that ends nowhere, a verb that takes another
 * change than the one that is meant, a sentence that says less than is known, and a count that is not true.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
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
  folder = await mkdtemp(path.join(tmpdir(), 'segue-hand-'));
});
after(async () => {
  endCli();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const PEOPLE = `CREATE TABLE people (id serial PRIMARY KEY, name text); INSERT INTO people (name) SELECT 'n' || i FROM generate_series(1, 600) AS i`;
const add = (column: string) =>
  `keep: 1h\noperations: [{ addColumn: { table: people, column: ${column}, type: text } }]\n`;
const rename = (column: string, to: string) =>
  `keep: 1h\noperations: [{ renameColumn: { table: people, column: ${column}, to: ${to} } }]\n`;

const FILLED = `operations: [{ addColumn: { table: people, column: a, type: text, up: "name || '!'", from: [name] } }]\n`;
/** A backfill comes to the second batch, and no further. */
const HOLD = 'BEGIN; SELECT FROM people WHERE id = 550 FOR UPDATE';

/** The database is adopted, and has these changes to come. */
async function place(files: Readonly<Record<string, string>>) {
  const name = await server.createDatabase();
  const client = new pg.Client(server.config(name));
  client.on('error', () => undefined);
  await client.connect();
  await client.query(PEOPLE);
  const dir = path.join(folder, name);
  const env = { DATABASE_URL: server.url(name) };
  const write = async (file: string, text: string) => {
    const whole = path.join(dir, file);
    await mkdir(path.dirname(whole), { recursive: true });
    await writeFile(whole, text);
  };
  for (const [change, text] of Object.entries(files)) await write(`db/changes/${change}/change.yaml`, text);
  const run = (...words: string[]) => cli(dir, ['database', ...words], env);
  const done = async (...words: string[]) => {
    const { exitCode, out, err } = await run(...words);
    assert.equal(exitCode, 0, `${words.join(' ')}: ${err}`);
    return out;
  };
  /** Ends with this exit code and says this. */
  const refused = async (exit: number, said: RegExp, ...words: string[]) => {
    const { exitCode, err } = await run(...words);
    assert.deepEqual([words, exitCode], [words, exit], err);
    assert.match(err, said);
  };
  await mkdir(dir, { recursive: true });
  await done('adopt');
  return { dir, env, client, write, run, done, refused };
}

test("a change that was taken back and thrown away is in nobody's way", async () => {
  const { dir, client, done } = await place({ '0001-a': add('a'), '0002-b': add('b') });
  await done('expand');
  await done('revert');
  await rm(path.join(dir, 'db/changes/0001-a'), { recursive: true });
  assert.match(await done('expand'), /expanded: 0002-b/);
  assert.match(await done('status'), /0001-a +reverted +its folder is gone\n0002-b +expanded/);
  await client.end();
});

test('what is gone on with is what it said, in the order in which it said it', async () => {
  const split = `operations: [{ splitColumn: { table: people, column: name, into: { first_half: { type: text, up: "left(name, 1)" }, rest: { type: text, up: "substr(name, 2)" } }, down: first_half || rest } }]`;
  const { client, done } = await place({ '0001-split': split });
  // The server's own count is an estimate, which is far off here.
  await client.query(
    'INSERT INTO people (name) SELECT name FROM people; ANALYZE people; DELETE FROM people WHERE id > 600',
  );
  const title = /people\.name becomes first_half, rest/;
  assert.match(await done('expand'), title);
  assert.match(await done('expand', '1'), new RegExp(`= ${title.source} \\(was done\\)[\\s\\S]*expanded: `));
  assert.match(await done('backfill'), /100% people 600 rows/);
  assert.match(await done('expand', '0001-split'), /ready: 0001-split\nnext: segue database contract/);
  await client.end();
});

test('without a name it is the change that can go on, and where there is none that is said', async () => {
  const { client, done, refused } = await place({
    '0001-a': rename('name', 'a'),
    '0002-b': rename('a', 'b'),
  });
  for (const verb of ['expand', 'backfill'] as const)
    for (const name of ['1', '0002']) await done(verb, name);
  await refused(5, /CHANGE_NONE[\s\S]*None is new: 0001-a is ready, 0002-b is ready\./, 'expand');
  assert.match(await done('contract'), /contracted: 0001-a/);
  assert.match(await done('contract'), /contracted: 0002-b/);
  assert.match(await done('contract', '--now'), /finished: 0001-a/);
  await refused(2, /CHANGE_UNKNOWN[\s\S]*"7" was asked for/, 'backfill', '7');
  await client.end();
});

test('what counts as made is named', async () => {
  const { client, done } = await place({ '0001-a': add('a'), '0002-b': add('b') });
  assert.match(await done('adopt', '1'), /^adopted: .*\n0001-a counts as made\n$/);
  assert.match(await done('status'), /0001-a +adopted *\n0002-b +new/);
  await client.end();
});

test('a place that is none is named before anything is opened', async () => {
  const { client, write, refused } = await place({});
  await write('file', '');
  await refused(5, /CHANGE_NONE[\s\S]*There are no changes in .*db\/changes/, 'expand');
  await refused(2, /USAGE[\s\S]*there is no folder nowhere/, 'expand', '--changes', 'nowhere');
  await refused(2, /USAGE[\s\S]*there is no folder nowhere/, 'rehearse', '--changes', 'nowhere');
  await refused(2, /CHANGE_INVALID[\s\S]*file is no folder/, 'status', '--changes', 'file');
  await refused(2, /DATABASE_NOT_CONFIGURED[\s\S]*variable NOPE is not set/, 'status', '--url', 'env:NOPE');
  await refused(2, /DATABASE_NOT_CONFIGURED[\s\S]*--url is not set/, 'rehearse', '--url', '');
  await refused(
    1,
    /DATABASE_UNREACHABLE[\s\S]*"nodb" does not exist[\s\S]*next: Check the address/,
    'status',
    '--url',
    server.url('nodb'),
  );
  await client.end();
});

test('SQL within a change.yaml is read before anything is done', async () => {
  const { client, write, refused } = await place({});
  for (const [sql, said] of [
    ['{ up: ALTER TABEL people }', /sql\.up: syntax error at or near "TABEL"/],
    ['{ up: SELECT 1, down: COMMIT }', /sql\.down: COMMIT: each statement has a transaction/],
    ['{ up: SELECT 1, contract: SET ROLE a }', /sql\.contract: SET ROLE a: what it sets would stay/],
  ] as const) {
    await write('db/changes/0001-sql/change.yaml', `operations: [{ sql: ${sql} }]\n`);
    await refused(2, said, 'expand');
  }
  await client.end();
});

test('a backfill that was stopped says so, loses nothing on the way back, and an edited change says what ran', async () => {
  const { dir, env, client, write, done } = await place({ '0001-slow': FILLED });
  await done('expand');
  await client.query(HOLD);
  const backfill = startCli(dir, ['database', 'backfill', '--json'], env);
  while (!backfill.output().includes('"progress"')) await new Promise((resolve) => setTimeout(resolve, 20));
  backfill.child.kill('SIGINT');
  assert.equal((await backfill.result).exitCode, 4);
  await client.query('COMMIT');
  assert.match(
    await done('status'),
    /0001-slow +expanded +\[#*\.+\] \d+% people \d+ rows, stopped: segue database backfill/,
  );
  await write('db/changes/0001-slow/change.yaml', add('other'));
  assert.match(await done('plan', '1'), /^0001-slow\nedited after it ran[\s\S]*"a" text/);
  // Half of its rows are not filled: that is nothing which could be lost.
  assert.match(await done('revert'), /reverted: 0001-slow/);
  await client.end();
});

test('who holds a table is waited for from the beginning, and named', async () => {
  const { client, run } = await place({ '0001-a': add('a') });
  await client.query('BEGIN; LOCK TABLE people');
  const { exitCode, err } = await run('expand', '--lock-wait', '1ms');
  assert.equal(exitCode, 1, err);
  assert.match(err, /DATABASE_LOCKED[\s\S]*In the way:\n +pid \d+ \(postgres/);
  await client.query('COMMIT');
  await client.end();
});

test('another run is waited for, and named', async () => {
  const { dir, env, client, done } = await place({ '0001-slow': FILLED, '0002-b': add('b') });
  await done('expand');
  await client.query(HOLD);
  const first = startCli(dir, ['database', 'backfill', '0001'], env);
  while (!(await done('status')).includes('at work: '))
    await new Promise((resolve) => setTimeout(resolve, 20));
  const second = startCli(dir, ['database', 'expand', '0002'], env);
  while (!second.output().includes('waits for')) await new Promise((resolve) => setTimeout(resolve, 20));
  await client.query('COMMIT');
  assert.equal((await first.result).exitCode, 0);
  const { exitCode, out, err } = await second.result;
  assert.equal(exitCode, 0, err);
  assert.match(err, /^waits for the end of another run: \S+ pid \d+\n$/);
  assert.match(out, /expanded: 0002-b/);
  await client.end();
});
