/** Hunts collectors' saw teeth that are taken for leaks, leaks that hide between them, and slopes of nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chance } from '../../../test/support/chance.ts';
import { MemoryGrowth } from './memory-growth.ts';

const MB = 1024 ** 2;
const EVERY_MS = 10_000;
const ALARM = Math.log(1 / 0.0005);

function growthOf(readings: number, mbAt: (at: number) => number, boundMb = 50): MemoryGrowth {
  const growth = new MemoryGrowth(boundMb * MB);
  for (let at = 0; at < readings; at += 1) growth.take(at * EVERY_MS, mbAt(at) * MB);
  return growth;
}

/** Memory as a collector leaves it: up a little with each reading, down at its turn, and noise. */
const sawTooth = (seed: number) => {
  const chance = new Chance(seed);
  return (at: number) => 100 + (at % 7) * 6 + chance.unit() * 20;
};

test('memory that goes up and down around a level is no leak, looked at all day', () => {
  let alarms = 0;
  for (let seed = 1; seed <= 200; seed += 1) {
    const growth = new MemoryGrowth(50 * MB);
    const mbAt = sawTooth(seed);
    let highest = 0;
    for (let at = 0; at < 2_000; at += 1) {
      growth.take(at * EVERY_MS, mbAt(at) * MB);
      if (at % 6 === 5) highest = Math.max(highest, growth.evidence);
    }
    if (highest >= ALARM) alarms += 1;
  }
  assert.equal(alarms, 0);
});

test('a leak below the saw teeth is found, and its rate is told', () => {
  const teeth = sawTooth(3);
  const growth = growthOf(1_440, (at) => teeth(at) + at * 0.6);
  assert.ok(growth.evidence >= ALARM, `evidence of ${growth.evidence}`);
  const slope = growth.slope;
  assert.ok(slope && slope.from < 216 * MB && slope.to > 216 * MB, JSON.stringify(slope));
  assert.ok(slope.to - slope.from < 30 * MB);
});

test('a leak is found below peaks that are much higher than itself', () => {
  const chance = new Chance(5);
  const growth = growthOf(360, (at) => 100 + at + (chance.unit() < 0.5 ? 0 : 400 * chance.unit()));
  assert.ok(growth.evidence >= ALARM, `evidence of ${growth.evidence}`);
});

test('growth slower than allowed is let go', () => {
  assert.ok(growthOf(1_440, (at) => 100 + at * 0.1).evidence < ALARM);
  assert.ok(growthOf(1_440, (at) => 100 + at * 0.2).evidence >= ALARM);
});

test('nothing has no slope, and a level has none', () => {
  assert.equal(growthOf(0, () => 0).slope, null);
  assert.equal(growthOf(29, () => 100).slope, null);
  assert.deepEqual(growthOf(60, () => 100).slope, { perHour: 0, from: 0, to: 0 });
});

test('what is kept is bounded, however long it goes on', () => {
  const { slope } = growthOf(400_000, (at) => 100 + at * 0.1);
  assert.ok(slope && Math.abs(slope.perHour - 36 * MB) < MB);
});
