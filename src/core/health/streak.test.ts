/** Hunts a flapping check that decides anything, and counts that survive the change they led to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { restartDelayMs, startCheckDelayMs } from './backoff.ts';
import { nextStreak, type Streak } from './streak.ts';
import { limits } from '../limits.ts';

const rule = { passesToGood: 2, failuresToBad: 3 };
const after = (results: string, from: Streak): Streak =>
  results.split('').reduce((streak, result) => nextStreak(streak, result === '+', rule), from);
const GOOD: Streak = { good: true, against: 0 };
const BAD: Streak = { good: false, against: 0 };

test('it takes as many results in a row as the rule says, and any other result starts the row anew', () => {
  assert.equal(after('+', BAD).good, false);
  assert.equal(after('++', BAD).good, true);
  assert.equal(after('+-+-+-', BAD).good, false);
  assert.equal(after('--', GOOD).good, true);
  assert.equal(after('---', GOOD).good, false);
  assert.equal(after('--+--+--', GOOD).good, true);
});

test('a change starts from nothing', () => {
  assert.deepEqual(after('++', BAD), GOOD);
  assert.deepEqual(after('---', GOOD), BAD);
});

test('it is good exactly when the last decisive row was one of passes', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('+', '-'), maxLength: 40 }), (results) => {
      const decisive = [...results.matchAll(/\++|-+/g)].map(([row]) => row);
      const last = decisive.findLast((row) => (row[0] === '+' ? row.length >= 2 : row.length >= 3));
      assert.equal(after(results, BAD).good, last?.[0] === '+');
    }),
  );
});

test('restarts wait longer with each crash in a row, up to a limit, however many there were', () => {
  const { restartBackoffFirstMs: first, restartBackoffMaxMs: max } = limits.runtime;
  assert.equal(restartDelayMs(1), first);
  assert.equal(restartDelayMs(2), 2 * first);
  assert.equal(restartDelayMs(0), first);
  assert.equal(restartDelayMs(10_000), max);
});

test('a new instance is asked often, and never more seldom than one that runs', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      fc.integer({ min: 1, max: 60_000 }),
      (age, every) => {
        const delayMs = startCheckDelayMs(age, every);
        assert.ok(delayMs > 0 && delayMs <= every);
      },
    ),
  );
  assert.equal(startCheckDelayMs(0, 500), limits.health.startIntervalMs);
});
