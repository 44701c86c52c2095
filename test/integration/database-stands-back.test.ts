/** Bugs hunted: a backfill that keeps others waiting when it is to stand back, or that forgets what was asked of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Progress } from '../../src/core/database/runner.ts';
import { limits } from '../../src/core/limits.ts';
import { systemClock } from '../../src/drivers/clock/system.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { databases, NAME, PEOPLE, refused, rename } from '../support/people-table.ts';

const withDatabase = databases();

test('a backfill that stood back goes on with what was asked of it', () =>
  withDatabase(PEOPLE, async (db) => {
    await db.runner.expand([rename], NAME);
    const states: string[] = [];
    const rows: number[] = [];
    const onProgress = (progress: Progress) => {
      states.push(progress.state);
      rows.push(progress.rows);
    };
    const stop = { aborted: false };
    const first = db.runner.backfill([rename], NAME, { onProgress, signal: stop, throttle: () => 0.1 });
    const stopped = refused(first, 'BACKFILL_STOPPED', /at row/);
    while (states.length === 0) await sleep(10);
    await db.runner.order(NAME, 'pause');
    while (!states.includes('paused')) await sleep(10);
    stop.aborted = true;
    await stopped;
    const last = rows.at(-1) ?? 0;
    states.length = 0;
    rows.length = 0;
    const still = { aborted: false };
    const standing = db.runner.backfill([rename], NAME, {
      ...{ onProgress, goesOn: true, signal: still, throttle: () => 0 },
    });
    while (rows.length === 0) await sleep(10);
    still.aborted = true;
    await refused(standing, 'BACKFILL_STOPPED', /at row/);
    assert.deepEqual([last > 0, rows[0], states[0]], [true, last, 'throttled'], 'it says where it stands');
    states.length = 0;
    const second = db.runner.backfill([rename], NAME, { onProgress, goesOn: true });
    while (states.length < 2) await sleep(10);
    assert.deepEqual(new Set(states), new Set(['paused']));
    await db.runner.order(NAME, 'resume');
    await second;
    assert.equal((await db.runner.status([rename])).changes[0]?.phase, 'ready');
  }));

test('who stops a backfill does not wait for the end of a long pause', () =>
  withDatabase(PEOPLE, async (db) => {
    await db.runner.expand([rename], NAME);
    const holder = await db.connect();
    await holder.query('BEGIN; SELECT FROM people WHERE id = 1 FOR UPDATE');
    const stop = { aborted: false };
    const { observeIntervalMs } = limits.database;
    const naps: number[] = [];
    const clock: Clock = {
      ...systemClock,
      // A pause is over at once, and the run stopped in the first long one.
      sleep: (durationMs, signal) => {
        if (signal) return systemClock.sleep(durationMs, signal);
        assert.ok(!stop.aborted, 'it does not sleep on');
        naps.push(durationMs);
        stop.aborted = durationMs >= observeIntervalMs;
        return Promise.resolve();
      },
    };
    const runner = await db.open('slow', {}, false, clock);
    await refused(runner.backfill([rename], NAME, { signal: stop }), 'BACKFILL_STOPPED', /at row/);
    assert.equal(Math.max(...naps), observeIntervalMs, naps.join());
    await holder.query('COMMIT');
  }));
