/**
 * Bugs hunted: a backfill that leaves a replica behind, and one that stands still for good because it once did. A real
 * replica by streaming, whose replay is stopped and let go again.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../../src/core/limits.ts';
import { systemClock } from '../../src/drivers/clock/system.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { eventually } from '../contract/eventually.ts';
import { changeOf, testDatabase } from '../support/database.ts';
import { hasBaseBackup, type Postgres, startPostgres, startReplica } from '../support/postgres.ts';

const NAME = '0001-change';
const rows = 12_000;
const SETUP = `CREATE TABLE people (id serial PRIMARY KEY, name text); INSERT INTO people (name) SELECT 'n' || i FROM generate_series(1, ${rows}) AS i; CREATE TABLE beat (at int)`;

test('a backfill waits for a replica that lags', { skip: !hasBaseBackup() }, async () => {
  const server = await startPostgres();
  const replica = await startReplica(server);
  try {
    await gives(server, replica);
  } finally {
    await replica.stop();
    await server.stop();
  }
});

async function gives(server: Postgres, replica: Postgres): Promise<void> {
  const pauses: number[] = [];
  const clock: Clock = {
    ...systemClock,
    sleep(durationMs, signal) {
      // What the lease waits for can be ended; a pause between batches is what it is.
      if (!signal) pauses.push(durationMs);
      return systemClock.sleep(durationMs, signal);
    },
  };
  const db = await testDatabase(server, SETUP);
  try {
    const change = changeOf('operations: [{ renameColumn: { table: people, column: name, to: full } }]');
    await db.runner.expand([change], NAME);
    const standby = await replica.connect();
    await standby.query('SELECT pg_wal_replay_pause()');
    const lagMs = async () => {
      await db.sql('INSERT INTO beat VALUES (1)');
      const [row] = await db.sql<{ lag: number | null }>(
        'SELECT (extract(epoch FROM max(replay_lag)) * 1000)::float8 AS lag FROM pg_stat_replication',
      );
      return row?.lag ?? 0;
    };
    await eventually(
      'the replica is behind',
      async () => {
        await sleep(100);
        return (await lagMs()) > limits.database.replicationLagMaxMs;
      },
      60_000,
    );

    const runner = await db.open('waits', {}, false, clock);
    let done = 0;
    const backfill = runner.backfill([change], NAME, { onProgress: ({ rows: now }) => (done = now) });
    await eventually('it pauses for longer and longer', () => Math.max(0, ...pauses) >= 800);
    assert.deepEqual(
      pauses,
      pauses.toSorted((a, b) => a - b),
    );
    assert.ok(done > 0 && done < rows, `at row ${done}`);
    await standby.query('SELECT pg_wal_replay_resume()');
    await backfill;
    assert.ok((pauses.at(-1) ?? 0) < Math.max(...pauses), 'it got quicker again');
    assert.deepEqual(
      await db.sql('SELECT count(*)::int AS n FROM people WHERE "full" IS DISTINCT FROM name'),
      [{ n: 0 }],
    );
  } finally {
    await db.close();
  }
}
