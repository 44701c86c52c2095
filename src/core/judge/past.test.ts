/** Hunts candidates taken back for what everybody suffers from, and for one request that nobody will see again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Measure, worthOf } from './measure.ts';
import type { Observation, Side } from './observed.ts';
import { againstPast } from './past.ts';
import type { Rate } from './rate.ts';

const ALPHA = 0.01;
const HOUR: Rate = { bad: 100, requests: 100_000 };

const measure = (past: readonly Rate[]): Measure => ({
  guard: 'errors',
  counts: 'errors',
  alpha: ALPHA,
  frequency: 'rare',
  tolerate: 1,
  negligible: null,
  of: ({ errors: bad, requests }) => ({ bad, requests }),
  worth: () => 1,
  past,
  binds: true,
});

const side = (errors: number, requests: number): Side => ({
  requests,
  errors,
  latency: [],
  assigned: requests,
});

const row = (share: number, candidate: Side, stable: Side): Observation => ({
  ...{ share, rule: null, candidate, stable },
});

function finding(
  release: readonly Observation[],
  past: readonly Rate[] = [HOUR],
  worth: Measure['worth'] = () => 1,
) {
  const [only] = againstPast({ ...measure(past), worth }, ALPHA);
  assert.ok(only);
  return only({ release, stage: release }).explain();
}

test('a few errors in a few requests are enough where the past had hardly any', () => {
  assert.equal(finding([row(0.1, side(2, 4), side(0, 36))]).verdict, 'worse');
  assert.equal(finding([row(1, side(20, 2000), side(0, 0))]).verdict, 'worse', 'with nothing beside it too');
});

test('one request decides nothing, however rare errors were', () => {
  const spotless = [{ bad: 0, requests: 100_000_000 }];
  assert.equal(finding([row(0.001, side(1, 1), side(0, 999))], spotless).verdict, 'not-enough-evidence');
  assert.equal(finding([row(0.001, side(2, 2), side(0, 999))], spotless).verdict, 'worse');
});

test('what stable suffers from beside it is not held against the candidate', () => {
  const both = finding([row(0.1, side(50, 1000), side(450, 9000))]);
  assert.equal(both.verdict, 'not-enough-evidence');
  assert.ok(both.tolerated.value > 0.04, `the bound followed: ${both.tolerated.value}`);
  assert.equal(finding([row(0.1, side(50, 1000), side(9, 9000))]).verdict, 'worse');
});

test('an incident after a stage in which the candidate had hardly any requests is shared all the same', () => {
  const calm = row(0.01, side(0, 100), side(10, 9900));
  assert.equal(finding([calm, row(0.5, side(50, 1000), side(50, 1000))]).verdict, 'not-enough-evidence');
  assert.equal(finding([calm, row(0.5, side(50, 1000), side(1, 1000))]).verdict, 'worse');
});

test('a single error of stable does not blunt the guard', () => {
  assert.ok(finding([row(0.1, side(0, 1), side(1, 9))]).tolerated.value < 5 * 0.0012);
});

test('the worst hour counts, not the mean of the day', () => {
  const day = [HOUR, HOUR, { bad: 1000, requests: 100_000 }];
  assert.equal(finding([row(0.5, side(40, 4000), side(4, 4000))], day).verdict, 'not-enough-evidence');
  assert.equal(finding([row(0.5, side(40, 4000), side(4, 4000))]).verdict, 'worse');
});

test('slow requests of a few sessions weigh as much as the sessions', () => {
  const of = (sessions: number) => {
    const candidate = { ...side(30, 600), assigned: sessions };
    const release = [row(0.1, candidate, { ...side(6, 5400), assigned: 9 * sessions })];
    return finding(release, [HOUR], worthOf);
  };
  assert.equal(of(600).verdict, 'worse', 'as many sessions as requests');
  assert.equal(of(10).verdict, 'not-enough-evidence');
  assert.equal(of(0).verdict, 'not-enough-evidence', 'R8: nobody knows how many sessions they were');
  assert.equal(of(10).candidate.bad, 30, 'what is shown is what was seen');
});

test('no past, no word', () => {
  assert.deepEqual(againstPast(measure([]), ALPHA), []);
});
