/** Hunts a backfill that never slows down, never speeds up again, or stands still for good. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../limits.ts';
import { FIRST_PACE, isShort, nextPace, type Pace, type Seen } from './pace.ts';

const calm: Seen = {
  tookMs: limits.database.batchTargetMs,
  waysMs: 0,
  locked: false,
  waiters: 0,
  lagMs: null,
  deadShare: 0,
  speed: 1,
};
const { batchRowsMin, batchRowsMax, batchPauseMaxMs, batchTargetMs } = limits.database;

function after(pace: Pace, seen: Partial<Seen>, times: number): Pace {
  let now = pace;
  for (let i = 0; i < times; i += 1) now = nextPace(now, { ...calm, ...seen });
  return now;
}

test('batches grow while they are quick and shrink while they are slow, within bounds', () => {
  assert.equal(after(FIRST_PACE, { tookMs: 1 }, 50).batchRows, batchRowsMax);
  assert.equal(after(FIRST_PACE, { tookMs: 4_000 }, 50).batchRows, batchRowsMin);
  assert.deepEqual(after(FIRST_PACE, { tookMs: batchTargetMs }, 50), FIRST_PACE);
});

test('a server that is far away or busy does not make batches small: their rows are not what takes the time', () => {
  const waysMs = 10 * batchTargetMs;
  const slow = after(FIRST_PACE, { tookMs: waysMs + 1, waysMs }, 50);
  assert.equal(slow.batchRows, batchRowsMax);
  assert.deepEqual(after(FIRST_PACE, { tookMs: waysMs + batchTargetMs, waysMs }, 50), FIRST_PACE);
});

test('a lock that cannot be had halves the batch and pauses longer each time, and it recovers', () => {
  const locked = after(FIRST_PACE, { locked: true }, 3);
  assert.ok(locked.batchRows < FIRST_PACE.batchRows / 4 && locked.pauseMs >= 400);
  assert.equal(after(FIRST_PACE, { locked: true }, 100).pauseMs, batchPauseMaxMs);
  const calmAgain = after(locked, { tookMs: 5 }, 40);
  assert.deepEqual([calmAgain.pauseMs, calmAgain.batchRows > FIRST_PACE.batchRows], [0, true]);
});

test('a replica that lags, statements that wait, a vacuum at work and a throttle slow it down', () => {
  assert.ok(after(FIRST_PACE, { lagMs: 60_000 }, 4).pauseMs >= 800);
  assert.ok(after(FIRST_PACE, { lagMs: 10 }, 4).pauseMs === 0);
  assert.ok(after(FIRST_PACE, { waiters: 2 }, 1).batchRows < FIRST_PACE.batchRows);
  assert.equal(after(FIRST_PACE, { deadShare: 2 }, 1).pauseMs, calm.tookMs);
  assert.equal(after(FIRST_PACE, { speed: 0.5 }, 1).pauseMs, calm.tookMs);
  assert.ok(after(FIRST_PACE, { speed: 0.01 }, 1).pauseMs > calm.tookMs * 50);
});

test('a batch that lacks the rows that others wrote meanwhile is not taken for the end', () => {
  assert.equal(isShort(499, 500), false);
  assert.equal(isShort(batchRowsMin / 2, batchRowsMin), false);
  assert.deepEqual([isShort(4, batchRowsMin), isShort(3, 500)], [true, true]);
});
