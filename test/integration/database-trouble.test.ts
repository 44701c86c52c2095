/**
 * Bugs hunted: a change that stops the application behind a lock, a run that ends without saying what is done
 * and what is not, and one that cannot be gone on with afterwards.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Blocker, Progress } from '../../src/core/database/runner.ts';
import { systemClock } from '../../src/drivers/clock/system.ts';
import type { DatabaseOptions } from '../../src/ports/database.ts';
import { changeOf, runToEnd } from '../support/database.ts';
import { databases, NAME, PEOPLE, refused, rename } from '../support/people-table.ts';

const withDatabase = databases();

test('a transaction in the way is named, and nothing of the application queues behind the wait', () =>
  withDatabase(PEOPLE, async (db) => {
    const holder = await db.connect();
    await holder.query(`SET application_name = 'report'; BEGIN; SELECT count(*) FROM people`);
    const options: DatabaseOptions = { lockTimeoutMs: 100 };
    const runner = await db.open('test', options);
    const seen: Blocker[] = [];
    const running = runner.expand([rename], NAME, { onWait: (blockers) => seen.push(...blockers) });
    let longestMs = 0;
    for (let i = 0; i < 100 || seen.length === 0; i += 1) {
      const begunMs = performance.now();
      await db.sql('UPDATE people SET name = $1 WHERE id = 1', [String(i)]);
      longestMs = Math.max(longestMs, performance.now() - begunMs);
    }
    await holder.query('COMMIT');
    await running;
    assert.equal(seen[0]?.application, 'report');
    assert.match(seen[0]?.query ?? '', /SELECT count/);
    // Generous for a busy machine; without a limit it would be as long as the transaction in the way.
    assert.ok(longestMs < 5_000, `an update took ${longestMs} ms`);
  }));

test('a table that stays locked is given up, with what is in the way, and the next run goes on', () =>
  withDatabase(PEOPLE, async (db) => {
    const holder = await db.connect();
    await holder.query('BEGIN; LOCK TABLE people');
    const runner = await db.open('test', { lockTimeoutMs: 50, lockWaitMs: 300 });
    await refused(
      runner.expand([rename], NAME),
      'DATABASE_LOCKED',
      /not done[\s\S]*pid \d+ \(postgres[\s\S]*LOCK TABLE people/,
    );
    await holder.query('COMMIT');
    await runToEnd(db.runner, rename);
  }));

test('a row that is locked makes the backfill step back, and it comes to it later', () =>
  withDatabase(PEOPLE, async (db) => {
    await db.runner.expand([rename], NAME);
    const holder = await db.connect();
    await holder.query('BEGIN; UPDATE people SET id = id WHERE id = 700');
    const progress: Progress[] = [];
    const running = db.runner.backfill([rename], NAME, { onProgress: (each) => progress.push(each) });
    while (progress.length < 4) await sleep(10);
    await holder.query('COMMIT');
    await running;
    assert.deepEqual(
      await db.sql('SELECT count(*)::int AS n FROM people WHERE "full" IS DISTINCT FROM name'),
      [{ n: 0 }],
    );
  }));

test('an invalid index that was left behind is removed and built again', () =>
  withDatabase(`${PEOPLE}; UPDATE people SET name = 'twice' WHERE id < 3`, async (db) => {
    const change = changeOf(
      'operations: [{ createIndex: { table: people, on: [name], unique: true, name: once } }]',
    );
    await refused(
      db.runner.expand([change], NAME),
      'DATABASE_STATEMENT_FAILED',
      /could not create unique index.*23505/s,
    );
    assert.deepEqual(await db.sql(`SELECT 1 FROM pg_class WHERE relname = 'once'`), []);
    // As a kill would leave it.
    await db.sql('CREATE UNIQUE INDEX CONCURRENTLY once ON people (name)').catch(() => undefined);
    assert.deepEqual(
      await db.sql(`SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = 'once'::regclass`),
      [{ valid: false }],
    );
    await db.sql(`UPDATE people SET name = 'other' WHERE id = 1`);
    await db.runner.expand([change], NAME);
    assert.deepEqual(
      await db.sql(`SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = 'once'::regclass`),
      [{ valid: true }],
    );
  }));

test('a change that was edited after it ran is refused, and may be taken back', () =>
  withDatabase(PEOPLE, async (db) => {
    await db.runner.expand([rename], NAME);
    const edited = changeOf('operations: [{ renameColumn: { table: people, column: name, to: other } }]');
    await refused(db.runner.backfill([edited], NAME), 'CHANGE_EDITED', /is expanded/);
    assert.equal((await db.runner.status([edited])).changes[0]?.edited, true);
    await db.runner.revert([edited], NAME, { dropData: false });
    await runToEnd(db.runner, edited);
    assert.deepEqual(await db.sql('SELECT other FROM people WHERE id = 1'), [{ other: 'n1' }]);
  }));

test('of two runs at once one waits, and is refused while the other goes on', () =>
  withDatabase(PEOPLE, async (db) => {
    await db.runner.expand([rename], NAME);
    let open: () => void = () => undefined;
    let speed = 0;
    const began = new Promise<void>((resolve) => (open = resolve));
    const first = db.runner.backfill([rename], NAME, {
      throttle: () => {
        open();
        return speed;
      },
    });
    await began;
    const other = await db.open('other', { leaseWaitMs: 200 });
    await refused(other.backfill([rename], NAME), 'DATABASE_BUSY', /It is test/);
    assert.equal((await other.status([rename])).holder, 'test');
    const patient = await db.open('patient', { leaseWaitMs: 600_000 });
    const stop = { aborted: false };
    const left = refused(
      patient.backfill([rename], NAME, { signal: stop }),
      'BACKFILL_STOPPED',
      /waited for test/,
    );
    stop.aborted = true;
    await left;
    speed = 1;
    await first;
    await other.contract([rename], NAME, { now: true });
  }));

test('a run whose lease was taken does nothing more', () =>
  withDatabase(PEOPLE, async (db) => {
    await db.runner.expand([rename], NAME);
    let taken = false;
    const running = db.runner.backfill([rename], NAME, { throttle: () => (taken ? 1 : 0) });
    const failed = refused(running, 'DATABASE_BUSY', /took over/);
    const other = await db.open('other', {}, true);
    while ((await db.runner.status([rename])).holder !== 'test') await sleep(10);
    const next = other.backfill([rename], NAME);
    while ((await db.runner.status([rename])).holder === 'test') await sleep(10);
    taken = true;
    await Promise.all([failed, next]);
  }));

test('a connection that is cut in the middle is made again', () =>
  withDatabase(PEOPLE, async (db) => {
    await db.runner.expand([rename], NAME);
    let cut = 0;
    await db.runner.backfill([rename], NAME, {
      onProgress: ({ state }) => {
        if (state === 'running' && (cut += 1) === 1)
          void db.sql(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'segue' AND datname = current_database()`,
          );
      },
    });
    assert.deepEqual(
      await db.sql('SELECT count(*)::int AS n FROM people WHERE "full" IS DISTINCT FROM name'),
      [{ n: 0 }],
    );
  }));

test('a row that cannot be worked out, and a full disk, are said as such; then it goes on', () =>
  withDatabase(
    `${PEOPLE}; UPDATE people SET name = '12x' WHERE id = 1500; UPDATE people SET name = id WHERE id <> 1500`,
    async (db) => {
      const change = changeOf(
        'operations: [{ changeType: { table: people, column: name, to: number, type: int } }]',
      );
      await db.runner.expand([change], NAME);
      await refused(
        db.runner.backfill([change], NAME),
        'DATABASE_STATEMENT_FAILED',
        /invalid input syntax for type integer: "12x"/,
      );
      await db.sql(`UPDATE people SET name = '12' WHERE id = 1500`);
      await db.sql(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
      CREATE TRIGGER full_disk BEFORE UPDATE ON people FOR EACH ROW WHEN (OLD.id = 1700) EXECUTE FUNCTION full_disk()`);
      await refused(db.runner.backfill([change], NAME), 'DATABASE_FULL', /could not extend file/);
      await db.sql('DROP TRIGGER full_disk ON people');
      await runToEnd(db.runner, change);
    },
  ));

test('a role without rights, a database that was used before, and one that cannot be reached', async () => {
  await withDatabase(`${PEOPLE}; DROP ROLE IF EXISTS weak; CREATE ROLE weak LOGIN`, async (db) => {
    const { postgresOpener } = await import('../../src/drivers/database/postgres/open.ts');
    const opener = postgresOpener({
      clock: systemClock,
      chance: () => 0.5,
      holder: { name: 'x', isGone: () => false },
    });
    const weak = await opener.open(db.url.replace('postgres@', 'weak@'));
    await refused(weak.expand([rename], NAME), 'DATABASE_FORBIDDEN', /permission denied/);
    await refused(weak.check([rename]), 'DATABASE_FORBIDDEN', /permission denied/);
    await db.sql('GRANT USAGE ON SCHEMA segue TO weak; GRANT SELECT ON ALL TABLES IN SCHEMA segue TO weak');
    await refused(weak.check([rename]), 'DATABASE_FORBIDDEN', /weak may not keep the schema segue/);
    await db.sql('GRANT CREATE ON SCHEMA segue TO weak');
    await refused(weak.check([rename]), 'DATABASE_FORBIDDEN', /weak does not own people/);
    await db.sql('ALTER TABLE people OWNER TO weak');
    await weak.check([rename]);
    await db.sql('ALTER ROLE weak SET default_transaction_read_only = on');
    const reader = await opener.open(db.url.replace('postgres@', 'weak@'));
    await refused(reader.check([rename]), 'DATABASE_UNSUPPORTED', /read only/);
    await reader.close();
    await weak.close();
    await db.sql('DROP SCHEMA segue CASCADE; ALTER TABLE people OWNER TO postgres');
    await refused(db.runner.expand([rename], NAME), 'DATABASE_NOT_ADOPTED', /people/);
    await refused(db.runner.check([rename]), 'DATABASE_NOT_ADOPTED', /people/);
    await refused(opener.open('postgres://localhost:1/x'), 'DATABASE_UNREACHABLE', /ECONNREFUSED/);
    await refused(opener.open('mysql://localhost/x'), 'DATABASE_NOT_CONFIGURED', /postgres:/);
  });
});

test('what was changed past Segue is shown, and adopted when it was meant', () =>
  withDatabase(PEOPLE, async (db) => {
    await db.runner.expand([rename], NAME);
    assert.deepEqual((await db.runner.status([rename])).drift, []);
    await db.sql('ALTER TABLE people ADD COLUMN stray int, DROP COLUMN "full"');
    const { drift } = await db.runner.status([rename]);
    assert.deepEqual(drift, ['- column public.people."full" text', '+ column public.people.stray integer']);
    await db.runner.adopt([]);
    assert.deepEqual((await db.runner.status([rename])).drift, []);
  }));

test('going back where something would be lost has to be asked for', () =>
  withDatabase(PEOPLE, async (db) => {
    const change = changeOf(
      'operations: [{ addColumn: { table: people, column: nick, type: text, default: "\'-\'" } }]',
    );
    await db.runner.expand([change], NAME);
    await db.sql(`UPDATE people SET nick = 'x' WHERE id = 9`);
    await refused(
      db.runner.revert([change], NAME, { dropData: false }),
      'CHANGE_LOSES_DATA',
      /values in people.nick/,
    );
    await db.sql(`UPDATE people SET nick = '-' WHERE id = 9`);
    await db.runner.revert([change], NAME, { dropData: false });
  }));
