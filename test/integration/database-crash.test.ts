/**
 * Bugs hunted: a step that is lost or done twice because of when the process was killed, and a batch whose rows
 * and whose checkpoint are not the same transaction. Real SIGKILL at every boundary that a run has; each time the
 * next run has to end in the state of a run that nobody killed.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Progress } from '../../src/core/database/runner.ts';
import { SegueError } from '../../src/core/errors.ts';
import { eventually } from '../contract/eventually.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { changeOf, runToEnd, testDatabase } from '../support/database.ts';

const CHILD = path.join(import.meta.dirname, '../support/database-crash-child.ts');
const rows = 1_300;
const atOnce = 2;

const CHANGE = `operations:
  - splitColumn: { table: people, column: name, into: { first: { type: text, up: "split_part(name, ' ', 1)" }, last: { type: text, up: "split_part(name, ' ', 2)" } }, down: "first || ' ' || last" }
  - renameColumn: { table: people, column: age, to: years }
  - createIndex: { table: people, on: [first] }
  - addCheck: { table: people, check: years > 0, name: born }`;

const SETUP = `CREATE TABLE people (id serial PRIMARY KEY, name text NOT NULL, age int NOT NULL DEFAULT 7, touched int NOT NULL DEFAULT 0);
  CREATE INDEX people_age ON people (age);
  INSERT INTO people (name, age) SELECT 'first' || i || ' last' || i, i FROM generate_series(1, ${rows}) AS i;
  CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.touched := OLD.touched + 1; RETURN NEW; END';
  CREATE TRIGGER touch BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION touch()`;

let server: Postgres;
let folder: string;
before(async () => {
  server = await startPostgres();
  folder = await mkdtemp(path.join(tmpdir(), 'segue-crash-'));
  await writeFile(path.join(folder, 'change.yaml'), CHANGE);
});
after(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function run(url: string, kind: string, at: number): Promise<{ signal: string | null; out: string }> {
  const args = [CHILD, url, path.join(folder, 'change.yaml'), kind, String(at)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (part: Buffer) => (out += part.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  assert.ok(signal === 'SIGKILL' || code === 0, `kind ${kind} at ${at} ended with ${code ?? signal}`);
  return { signal, out };
}

/** Everything that a run leaves behind: rows, how often each was touched, the schema, the journal. */
async function endState(kind: string, at: number): Promise<{ state: unknown; killed: boolean; out: string }> {
  const db = await testDatabase(server, SETUP);
  try {
    const { signal, out } = await run(db.url, kind, at);
    const killed = signal !== null;
    if (killed) await runToEnd(await db.open('next', {}, true), changeOf(CHANGE));
    const [people] = await db.sql(
      `SELECT count(*), sum(touched) AS touched, md5(string_agg(concat_ws(' ', id, first, last, years), ',' ORDER BY id)) FROM people`,
    );
    const jobs = await db.sql('SELECT change, job, rows, changed, done FROM segue.backfills ORDER BY job');
    const steps = await db.sql('SELECT phase, step FROM segue.steps ORDER BY phase, step');
    const events = await db.sql(
      `SELECT event, count(*)::int FROM segue.history GROUP BY event ORDER BY event`,
    );
    const schema = await db.sql(
      `SELECT indexdef AS line FROM pg_indexes WHERE tablename = 'people' UNION SELECT conname FROM pg_constraint WHERE conrelid = 'people'::regclass UNION SELECT tgname FROM pg_trigger WHERE tgrelid = 'people'::regclass ORDER BY 1`,
    );
    const { changes, drift } = await db.runner.status([]);
    return { state: { people, jobs, steps, events, schema, phase: changes[0]?.phase, drift }, killed, out };
  } finally {
    await db.close();
  }
}

async function killedEverywhere(kind: string, stride: number): Promise<void> {
  const whole = await endState(kind, 0);
  const boundaries = Number(whole.out);
  assert.ok(boundaries > 10, `there are boundaries: ${boundaries}`);
  const points = Array.from(
    { length: Math.floor((boundaries - 1) / stride) },
    (_, index) => 1 + index * stride,
  );
  const worker = async () => {
    for (let at = points.shift(); at !== undefined; at = points.shift()) {
      const { state, killed } = await endState(kind, at);
      assert.ok(killed, `nothing was killed at ${at} of ${boundaries}`);
      assert.deepEqual(state, whole.state, `killed at ${kind} ${at} of ${boundaries}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

test('killed at every step and batch, the next run ends in the same state', () =>
  killedEverywhere('event', 1));

test('killed between statements, sent or answered, the next run ends in the same state', () =>
  killedEverywhere('statement', 37));

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The server loses what it had not written to its log yet, as with a machine that goes down. */
async function crashOfServer(at: (progress: Progress) => boolean) {
  const lost = { wal_writer_delay: '10s', wal_writer_flush_after: '1GB', wal_buffers: '32MB' };
  const own = await startPostgres({ settings: lost });
  try {
    const db = await testDatabase(own, SETUP);
    const [victim] = await db.sql<{ pid: number; name: string }>(
      'SELECT pg_backend_pid() AS pid, current_database() AS name',
    );
    const change = changeOf('operations: [{ renameColumn: { table: people, column: age, to: years } }]');
    let said: Progress | undefined;
    const onProgress = (progress: Progress) => {
      if (said || !at(progress)) return;
      said = progress;
      process.kill(victim?.pid ?? 0, 'SIGKILL');
      // Nothing more may reach the server before it ends all of its processes for this one.
      while (segues.some(({ pid }) => isThere(pid)))
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    };
    await db.runner.expand([change], change.name);
    const segues = await db.sql<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'segue'`,
    );
    // The server may be back before this run asks it again: then it goes on by itself.
    await db.runner.backfill([change], change.name, { onProgress }).catch((error: unknown) => {
      assert.ok(error instanceof SegueError && error.code === 'DATABASE_UNREACHABLE', String(error));
    });
    const look = await eventually('it is back', () => own.connect(victim?.name).catch(() => undefined));
    const [kept] = (await look.query('SELECT rows::int, done FROM segue.backfills')).rows;
    await runToEnd(await db.open('next', {}, true), change);
    const [people] = (
      await look.query(
        'SELECT count(*)::int AS rows, count(*) FILTER (WHERE years = id)::int AS right, min(touched) AS least, max(touched) AS most FROM people',
      )
    ).rows;
    await db.close();
    return { said: said?.rows ?? 0, kept, people };
  } finally {
    await own.stop();
  }
}

const EACH_ONCE = { rows, right: rows, least: 1, most: 1 };

test('a server that crashes takes batches back together with how far they came', async () => {
  const { said, kept, people } = await crashOfServer(({ rows: done }) => done >= 500);
  assert.deepEqual(people, EACH_ONCE);
  assert.ok(kept === undefined || kept.rows < said || kept.done, 'it had not waited for the disk');
});

test('a backfill that said that it is done is, after a crash of the server too', async () => {
  const { said, kept, people } = await crashOfServer(({ state }) => state === 'done');
  assert.deepEqual([said, kept, people], [rows, { rows, done: true }, EACH_ONCE]);
});
