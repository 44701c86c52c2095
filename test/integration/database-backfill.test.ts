/**
 * Bugs hunted: a backfill that nobody can stop, that never ends beside writers, or that leaves rows out.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Progress } from '../../src/core/database/runner.ts';
import { runToEnd } from '../support/database.ts';
import { Writers } from '../support/database-writers.ts';
import { databases, NAME, PEOPLE, refused, rename } from '../support/people-table.ts';

const withDatabase = databases();

test('pause, resume and cancel reach a backfill from elsewhere; a signal stops it between two batches', () =>
  withDatabase(PEOPLE, async (db) => {
    await db.runner.expand([rename], NAME);
    await refused(db.runner.order(NAME, 'pause'), 'CHANGE_UNKNOWN', /No backfill/);
    const states: string[] = [];
    let allowed = 1;
    const watch = {
      onProgress: ({ state }: Progress) => states.push(state),
      throttle: () => ((allowed -= 1) >= 0 ? 1 : 0),
    };
    const first = db.runner.backfill([rename], NAME, watch);
    while (!states.includes('running')) await sleep(10);
    await db.runner.order(NAME, 'pause');
    allowed = 1_000;
    while (!states.includes('paused')) await sleep(10);
    assert.equal((await db.runner.status([rename])).changes[0]?.backfill?.state, 'paused');
    await db.runner.order(NAME, 'cancel');
    await refused(first, 'BACKFILL_STOPPED', /was cancelled/);
    const stop = new AbortController();
    const second = db.runner.backfill([rename], NAME, {
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    await refused(second, 'BACKFILL_STOPPED', /at row/);
    await runToEnd(db.runner, rename);
  }));

test('rows that come while a slow backfill runs are none of its: it does not go after them without end', () =>
  withDatabase(PEOPLE.replace('2000', '20'), async (db) => {
    await db.runner.expand([rename], NAME);
    const writers = await Writers.start(db, [`INSERT INTO people (name) VALUES ('late')`], 1);
    let rows = 0;
    try {
      // With a pause after each batch, in which more rows come; it is over when they are gone after.
      await db.runner.backfill([rename], NAME, {
        onProgress: (progress) => (rows = progress.rows),
        throttle: () => 0.1,
        signal: {
          get aborted() {
            return rows > 20 && writers.done > rows + 1_000;
          },
        },
      });
    } finally {
      await writers.stop();
    }
    assert.deepEqual(writers.failures, []);
    const [left] = await db.sql('SELECT count(*)::int AS n FROM people WHERE "full" IS DISTINCT FROM name');
    assert.deepEqual(left, { n: 0 });
  }));

test('a table without a key is gone through by blocks, and rows that move behind meanwhile are found', () =>
  withDatabase(
    `CREATE TABLE people (id int, name text); INSERT INTO people SELECT i, 'n' || i FROM generate_series(1, 9000) AS i; DELETE FROM people WHERE id <= 300`,
    async (db) => {
      // The first blocks have room, and the others none.
      await db.sql('VACUUM people');
      await db.runner.expand([rename], NAME);
      let batches = 0;
      let moved: 'no' | 'now' | 'yes' = 'no';
      await db.runner.backfill([rename], NAME, {
        throttle: () => {
          batches += 1;
          if (batches < 2 || moved === 'yes') return 1;
          if (moved === 'no')
            void db.sql('UPDATE people SET id = id WHERE id > 8900').then(() => (moved = 'yes'));
          moved = 'now';
          return 0;
        },
      });
      assert.deepEqual(
        await db.sql('SELECT count(*)::int AS n FROM people WHERE "full" IS DISTINCT FROM name'),
        [{ n: 0 }],
      );
      assert.deepEqual(await db.sql('SELECT pass FROM segue.backfills'), [{ pass: 2 }]);
    },
  ));

test('a table without a key that blocks cannot help is refused with a way out', () =>
  withDatabase(
    `CREATE TABLE people (id int, name text) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF people DEFAULT`,
    async (db) => {
      await db.runner.expand([rename], NAME);
      await refused(db.runner.backfill([rename], NAME), 'DATABASE_NO_KEY', /people has none/);
      await db.runner.revert([rename], NAME, { dropData: false });
    },
  ));

test('keys of any type, of several columns and of a partitioned table', () =>
  withDatabase(
    `CREATE TYPE size AS ENUM ('s', 'm', 'l');
     CREATE TABLE people (size size, at timestamptz, "Part" numeric, name text, PRIMARY KEY (size, "Part", at)) PARTITION BY LIST (size);
     CREATE TABLE p1 PARTITION OF people FOR VALUES IN ('s', 'l'); CREATE TABLE p2 PARTITION OF people DEFAULT;
     INSERT INTO people SELECT (ARRAY['s', 'm', 'l']::size[])[1 + i % 3], now() + i * interval '1.000001 s', i / 7.0, 'n' || i FROM generate_series(1, 3000) AS i`,
    async (db) => {
      await db.runner.expand([rename], NAME);
      await db.runner.backfill([rename], NAME);
      assert.deepEqual(
        await db.sql('SELECT count(*)::int AS n FROM people WHERE "full" IS DISTINCT FROM name'),
        [{ n: 0 }],
      );
      const [job] = await db.sql<{ rows: string; changed: string }>(
        'SELECT rows, changed FROM segue.backfills',
      );
      assert.deepEqual([job?.rows, job?.changed], ['3000', '3000'], 'each row once');
    },
  ));
