/**
 * Hunts restarts that are added up until anybody's are too many, a shared cause that the candidate is blamed for, a
 * candidate of many instances that all end once and is never found, and healthy ones that are, too often.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chance } from '../../../test/support/chance.ts';
import { NO_RESTARTS, restartsFinding, type RestartsGathered, withRestarts } from './restarts.ts';

const TOLERATED = 2;
const ALPHA = 0.01;

type Counts = readonly number[];
const named = (name: string, counts: Counts) =>
  counts.map((restarts, at) => ({ id: `${name}-${at + 1}`, restarts }));
const reading = (candidate: Counts, stable: Counts) => ({
  candidate: named('new', candidate),
  stable: named('old', stable),
});

/** Readings one after the other. */
const after = (...readings: readonly (readonly [candidate: Counts, stable: Counts])[]): RestartsGathered =>
  readings.reduce((all, [candidate, stable]) => withRestarts(all, reading(candidate, stable)), NO_RESTARTS);

const found = (gathered: RestartsGathered) => restartsFinding(gathered, TOLERATED, ALPHA);
const wordOf = (gathered: RestartsGathered) => found(gathered).verdict;

test('nothing ended: nothing measured', () => {
  assert.equal(found(NO_RESTARTS).proof, 'nothing measured yet');
  assert.equal(wordOf(after([[0, 0], [7]])), 'not-enough-evidence');
});

test('each instance is counted by itself: three times one is too many, once each of three is not', () => {
  assert.equal(wordOf(after([[0, 0, 0], [0]], [[1, 1, 1], [0]])), 'not-enough-evidence');
  assert.equal(wordOf(after([[0, 0, 0], [0]], [[2, 2, 2], [0]])), 'not-enough-evidence');
  const gathered = after([[0, 0, 0], [0]], [[0, 3, 0], [0]]);
  assert.equal(wordOf(gathered), 'worse');
  assert.equal(
    found(gathered).proof,
    "new-2 3 restarts, stable's at most 0; 2 tolerated; 1 of 3 instances, stable 0 of 1",
  );
});

test('what an instance of stable had before the release is no excuse, what it has meanwhile is', () => {
  assert.equal(wordOf(after([[0], [40]], [[3], [40]])), 'worse');
  assert.equal(wordOf(after([[0], [40]], [[3], [41]])), 'not-enough-evidence');
  assert.equal(wordOf(after([[0], [40]], [[4], [41]])), 'worse');
});

test('a candidate whose instances had restarts when they were first seen has them', () => {
  assert.equal(wordOf(after([[3], [0]])), 'worse');
});

test('many instances that end once each are found beside a stable that stays', () => {
  const ended = (count: number) => Array.from({ length: 20 }, (_, at) => (at < count ? 1 : 0));
  const steps = Array.from({ length: 14 }, (_, at) => [ended(at), ended(0)] as const);
  assert.equal(wordOf(after(...steps)), 'worse');
  const both = Array.from({ length: 14 }, (_, at) => [ended(at), ended(at)] as const);
  assert.equal(wordOf(after(...both)), 'not-enough-evidence');
});

/** Twenty instances on each side, the candidate's twice as likely to end; looked at after each end. */
function isAlarm(chance: Chance, alpha: number): boolean {
  const counts = {
    candidate: Array.from({ length: 20 }, () => 0),
    stable: Array.from({ length: 20 }, () => 0),
  };
  let gathered = withRestarts(NO_RESTARTS, reading(counts.candidate, counts.stable));
  for (let at = 0; at < 40; at += 1) {
    const side = chance.unit() < 2 / 3 ? counts.candidate : counts.stable;
    const who = chance.below(20);
    side[who] = (side[who] ?? 0) + 1;
    gathered = withRestarts(gathered, reading(counts.candidate, counts.stable));
    // However often one of them ends: this is about how many do.
    if (restartsFinding(gathered, Infinity, alpha).verdict === 'worse') return true;
  }
  return false;
}

test('instances that end as often as is tolerated are hardly ever an alarm, looked at after each end', () => {
  let alarms = 0;
  for (let seed = 1; seed <= 600; seed += 1) if (isAlarm(new Chance(seed * 7901), 0.1)) alarms += 1;
  assert.ok(alarms > 0, 'one that never speaks proves nothing here');
  assert.ok(alarms <= 83, `${alarms} of 600 at a level of 1 in 10`);
});

test('what was written down goes on as it was', () => {
  const first = after([[0, 0], [5]], [[1, 0], [6]]);
  const again: RestartsGathered = JSON.parse(JSON.stringify(first));
  const more = reading([2, 3], [6]);
  assert.deepEqual(found(withRestarts(again, more)), found(withRestarts(first, more)));
  assert.equal(wordOf(withRestarts(again, more)), 'not-enough-evidence');
  assert.equal(wordOf(withRestarts(again, reading([2, 4], [6]))), 'worse');
});
