/**
 * Hunts metrics that take a candidate back by one bad value or by none, that promote while they are silent, that
 * count one event several times because windows overlap, and healthy comparisons that alarm when looked at often.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Chance } from '../../../test/support/chance.ts';
import type { MetricChoice, MetricRule } from './guard-choices.ts';
import { MetricGuard } from './metric-guard.ts';

const LEVEL = { falseAlarms: 0.01, falsePasses: 0.05 };
const MAX: MetricRule = { type: 'bound', min: null, max: 0.05, readings: 3 };
const COMPARE: MetricRule = { type: 'compare', tolerate: 1.2, worse: 'higher', negligible: 0 };

function choiceOf(rule: MetricRule, overMs = 0): MetricChoice {
  const origin = { type: 'json', url: 'http://127.0.0.1/', value: ['x'], headers: {} } as const;
  return { origin, everyMs: 1_000, timeoutMs: 500, overMs, rule };
}

/** Takes one value a second, or none where it is null. */
function guardWith(rule: MetricRule, values: readonly (number | null)[], overMs = 0) {
  const guard = new MetricGuard('x', choiceOf(rule, overMs), LEVEL, { atMs: 0, before: null });
  for (const [at, value] of values.entries())
    if (value === null) guard.fail('it answered 503');
    else guard.take({ atMs: (at + 1) * 1_000, candidate: value, stable: null });
  return { guard, finding: guard.finding(values.length * 1_000) };
}

describe('a bound', () => {
  test('is passed, or not, by so many values in a row', () => {
    const verdict = (...values: (number | null)[]) => guardWith(MAX, values).finding.verdict;
    assert.equal(verdict(), 'not-enough-evidence');
    assert.equal(verdict(0.01, 0.01), 'not-enough-evidence');
    assert.equal(verdict(0.01, 0.01, 0.05), 'better-or-same');
    assert.equal(verdict(0.5, 0.5, 0.01), 'not-enough-evidence');
    assert.equal(verdict(0.5, 0.5, 0.01, 0.5, 0.5), 'not-enough-evidence');
    assert.equal(verdict(0.01, 0.5, 0.5, 0.06), 'worse');
  });

  test('with two ends counts both', () => {
    const rule: MetricRule = { type: 'bound', min: 1, max: 2, readings: 2 };
    assert.equal(guardWith(rule, [0.5, 2.5]).finding.verdict, 'worse');
    assert.equal(guardWith(rule, [1, 2]).finding.verdict, 'better-or-same');
    assert.match(guardWith(rule, [0.5, 2.5]).finding.proof, /not from 1 to 2; 2 of 2 in a row: 0.5, 2.5/);
  });

  test('counts values that look back on the same time once, but each of them ends a run', () => {
    // Every value looks 3 s back: one blip of one second is in three of them.
    const { finding } = guardWith(MAX, [0, 0, 0, 0.2, 0.2, 0.2, 0, 0, 0], 3_000);
    assert.notEqual(finding.verdict, 'worse');
    const long = Array.from({ length: 9 }, () => 0.2);
    assert.equal(guardWith(MAX, long.slice(1), 3_000).finding.verdict, 'not-enough-evidence');
    assert.equal(guardWith(MAX, long, 3_000).finding.verdict, 'worse');
    assert.notEqual(guardWith(MAX, [...long.slice(0, 7), 0, 0.2, 0.2], 3_000).finding.verdict, 'worse');
  });

  test('is earned again by each stage, while what is bad is remembered', () => {
    const { guard } = guardWith(MAX, [0.01, 0.01, 0.01]);
    guard.beginStage(3_000);
    assert.equal(guard.finding(3_000).verdict, 'not-enough-evidence');
    const { guard: bad } = guardWith(MAX, [0.5, 0.5]);
    bad.beginStage(2_000);
    bad.take({ atMs: 3_000, candidate: 0.5, stable: null });
    assert.equal(bad.finding(3_000).verdict, 'worse');
  });
});

describe('a source that gives nothing', () => {
  test('neither promotes nor takes back, and is shown (R8)', () => {
    const { finding } = guardWith(MAX, [null, null, null, null]);
    assert.equal(finding.verdict, 'not-enough-evidence');
    assert.equal(finding.role, 'gate');
    assert.equal(finding.proof, 'no value yet: it answered 503');
  });

  test('takes a promotion away that values gave before', () => {
    const { finding } = guardWith(MAX, [0.01, 0.01, 0.01, null]);
    assert.equal(finding.verdict, 'not-enough-evidence');
    assert.equal(finding.proof, 'no value: it answered 503; it was 0.01 1s ago');
  });

  test('is missed when it stalls, and believed when it comes back', () => {
    const { guard } = guardWith(MAX, [0.01, 0.01, 0.01]);
    assert.equal(guard.finding(6_500).verdict, 'better-or-same');
    assert.equal(guard.finding(6_501).verdict, 'not-enough-evidence');
    guard.take({ atMs: 7_000, candidate: 0.01, stable: null });
    assert.equal(guard.finding(7_000).verdict, 'better-or-same');
  });

  test('does not undo what was proven before', () => {
    assert.equal(guardWith(MAX, [0.5, 0.5, 0.5, null]).finding.verdict, 'worse');
  });
});

test('a watched metric is shown and decides nothing', () => {
  const { finding } = guardWith({ type: 'watch' }, [1_234.5]);
  assert.deepEqual([finding.verdict, finding.role, finding.proof], ['not-enough-evidence', 'watch', '1235']);
});

describe('a comparison', () => {
  interface Law {
    readonly rule?: MetricRule;
    readonly seed?: number;
    readonly candidate: (noise: number) => number;
  }

  const pairs = (count: number, { rule = COMPARE, seed = 1, candidate }: Law) => {
    const chance = new Chance(seed);
    const noise = () => Math.exp(chance.unit() + chance.unit() + chance.unit());
    const guard = new MetricGuard('x', choiceOf(rule), LEVEL, { atMs: 0, before: null });
    let worst = false;
    for (let at = 1; at <= count; at += 1) {
      guard.take({ atMs: at * 1_000, candidate: candidate(noise()), stable: noise() });
      worst ||= guard.finding(at * 1_000).verdict === 'worse';
    }
    return { worst, finding: guard.finding(count * 1_000) };
  };

  test('finds a value that is twice as high, and one that is half as high where lower is worse', () => {
    assert.equal(pairs(60, { candidate: (noise) => noise * 4 }).worst, true);
    const lower: MetricRule = { ...COMPARE, worse: 'lower' };
    assert.equal(pairs(60, { rule: lower, candidate: (noise) => noise / 4 }).worst, true);
    assert.equal(pairs(60, { rule: lower, candidate: (noise) => noise * 4 }).worst, false);
  });

  test('lets the same go on once it has the evidence', () => {
    assert.equal(pairs(2, { candidate: (noise) => noise / 4 }).finding.verdict, 'not-enough-evidence');
    const { finding } = pairs(40, { candidate: (noise) => noise / 2 });
    assert.equal(finding.verdict, 'better-or-same');
    assert.match(finding.proof, /^[\d.]+, stable [\d.]+; more than 1.2x above it in \d+ of 40$/);
  });

  test('does not cry wolf beyond its share, looked at after every pair', () => {
    const strictest: MetricRule = { ...COMPARE, tolerate: 1 };
    let alarms = 0;
    for (let seed = 1; seed <= 1_000; seed += 1)
      if (pairs(200, { rule: strictest, seed, candidate: (noise) => noise }).worst) alarms += 1;
    assert.ok(alarms <= 20, `${alarms} of 1000 at a level of 1 in 100`);
  });

  test('a negligible value is never too high', () => {
    const rule: MetricRule = { ...COMPARE, negligible: 1_000 };
    assert.equal(pairs(60, { rule, candidate: (noise) => noise * 4 }).worst, false);
  });
});
