/** Hunts verdicts from no data, promotions of what is worse, and findings whose numbers do not support their word. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bucketOf } from '../traffic/histogram.ts';
import { judge, type JudgeRules } from './judge.ts';
import type { Observation, Observed, Past, Side } from './observed.ts';
import { isReached, verdictOf } from './verdict.ts';

const RULES: JudgeRules = {
  falseAlarms: 0.01,
  falsePasses: 0.05,
  errors: { tolerate: 1.5, negligible: 0.005, max: null },
  latency: {
    tolerate: 1.5,
    quantiles: [0.5, 0.95, 0.99],
    pastRequestsMin: 50,
    pastWindowsMin: 1,
    ceilings: [],
  },
};

/** A tenth of the requests takes 100 ms, one in a hundred a second, the others 10 ms. */
const latencyOf = (requests: number, times = 1): number[] => [
  bucketOf(10 * times),
  Math.round(requests * 0.89),
  bucketOf(100 * times),
  Math.round(requests * 0.1),
  bucketOf(1000 * times),
  Math.round(requests * 0.01),
];

const side = (requests: number, errors: number, times = 1): Side => ({
  requests,
  errors,
  latency: latencyOf(requests, times),
  assigned: requests,
});

const PAST: Past = { windows: [{ requests: 100_000, errors: 100, latency: latencyOf(100_000) }] };

function observed(rows: readonly Observation[], past: Past | null = PAST): Observed {
  return { release: rows, stage: rows, past };
}

const tenth = (candidate: Side, stable: Side): Observation => ({
  share: 0.1,
  rule: null,
  candidate,
  stable,
});

test('nothing seen is not enough evidence, with and without a past', () => {
  for (const past of [PAST, null]) {
    const { verdict, findings } = judge(RULES, observed([], past));
    assert.equal(verdict, 'not-enough-evidence');
    assert.ok(findings.every((finding) => finding.verdict === 'not-enough-evidence'));
  }
});

test('a few errors among the first requests of a candidate are enough to take it back', () => {
  const { verdict, findings } = judge(RULES, observed([tenth(side(10, 5), side(90, 0))]));
  assert.equal(verdict, 'worse');
  const worse = findings.filter((finding) => finding.verdict === 'worse');
  for (const { worse: evidence, effect, tolerated } of worse) {
    assert.ok(isReached(evidence));
    assert.ok(effect.from > tolerated.value, 'the interval says the same as the verdict');
  }
});

test('a candidate as good as stable passes, and needs the requests that were announced', () => {
  const few = judge(RULES, observed([tenth(side(200, 0), side(1800, 2))]));
  assert.equal(few.verdict, 'not-enough-evidence');
  const announced = Math.max(...few.findings.map(({ missingRequests }) => missingRequests ?? 0));
  assert.ok(announced > 0 && Number.isFinite(announced));
  const n = 200 + announced;
  const many = judge(RULES, observed([tenth(side(n, 0), side(9 * n, 9))]));
  assert.equal(many.verdict, 'better-or-same', JSON.stringify(many.findings, null, 1));
});

test('what passed in one stage must earn the next one again', () => {
  const rows = [tenth(side(20_000, 10), side(180_000, 90))];
  assert.equal(judge(RULES, observed(rows)).verdict, 'better-or-same');
  assert.equal(judge(RULES, { release: rows, stage: [], past: PAST }).verdict, 'not-enough-evidence');
});

test('a candidate that is slower is found by its latency alone', () => {
  const { verdict, findings } = judge(RULES, observed([tenth(side(2000, 2, 3), side(18_000, 18))]));
  assert.equal(verdict, 'worse');
  assert.ok(findings.some((f) => f.guard.startsWith('p') && f.verdict === 'worse'));
  assert.ok(findings.every((f) => !f.guard.startsWith('errors') || f.verdict !== 'worse'));
});

test('at full traffic, with nothing beside it, its errors are held against the past', () => {
  const all: Observation = { share: 1, rule: null, candidate: side(2000, 40), stable: side(0, 0) };
  const { verdict, findings } = judge(RULES, observed([all]));
  assert.equal(verdict, 'worse');
  assert.ok(findings.some((f) => f.guard === 'errors against the past' && f.verdict === 'worse'));
});

test('a ceiling counts whatever stable does', () => {
  const rules = { ...RULES, errors: { ...RULES.errors, max: 0.02 } };
  const rows = [tenth(side(2000, 200), side(18_000, 1800))];
  assert.equal(judge(RULES, observed(rows, null)).verdict, 'better-or-same');
  assert.equal(judge(rules, observed(rows, null)).verdict, 'worse');
});

test('a split that was not applied promotes nothing, but a bad candidate is taken back all the same', () => {
  const skewed = (candidate: Side) => tenth({ ...candidate, assigned: 0 }, side(20_000, 10));
  assert.equal(judge(RULES, observed([skewed(side(20_000, 10))])).verdict, 'not-enough-evidence');
  assert.equal(judge(RULES, observed([skewed(side(100, 90))])).verdict, 'worse');
});

test('errors may spend as many false alarms as everything else together, and nobody spends more than is there', () => {
  for (const max of [null, 0.5]) {
    const rules = { ...RULES, errors: { ...RULES.errors, max } };
    const { findings } = judge(rules, observed([tenth(side(10, 0), side(90, 0))]));
    const spent = (guards: (guard: string) => boolean) =>
      findings
        .filter(({ guard }) => guards(guard))
        .reduce((sum, { worse }) => sum + Math.exp(-worse.neededLog), 0);
    const errors = spent((guard) => guard.startsWith('error'));
    assert.ok(errors > 0.9 * (RULES.falseAlarms / 2) && errors <= RULES.falseAlarms / 2 + 1e-12, `${errors}`);
    assert.ok(spent(() => true) <= RULES.falseAlarms + 1e-12);
  }
});

test('ten percent slower is found, though no request is slower than the slowest before', () => {
  const shifted = (requests: number): Side => ({
    ...side(requests, Math.round(requests / 1000)),
    latency: [bucketOf(10), Math.round(requests * 0.8), bucketOf(100), Math.round(requests * 0.2)],
  });
  const { verdict, findings } = judge(
    { ...RULES, latency: { ...RULES.latency, tolerate: 1.1 } },
    observed([tenth(shifted(3000), { ...side(27_000, 27) })]),
  );
  assert.equal(verdict, 'worse', JSON.stringify(findings, null, 1));
});

test('a hundred million requests keep everything a number and the verdict right', () => {
  const rows = [tenth(side(1e8, 1e5), side(9e8, 9e5))];
  const same = judge({ ...RULES, errors: { ...RULES.errors, max: 0.5 } }, observed(rows));
  assert.equal(same.verdict, 'better-or-same');
  const worse = judge(RULES, observed([tenth(side(1e8, 3e5), side(9e8, 9e5))]));
  assert.equal(worse.verdict, 'worse');
  for (const { worse: evidence, effect } of [...same.findings, ...worse.findings]) {
    assert.ok(Number.isFinite(evidence.log) && Number.isFinite(evidence.neededLog));
    assert.ok(effect.from <= (effect.to ?? Infinity), JSON.stringify(effect));
  }
});

test('worse wins over everything, and nobody who cannot promote is asked to', () => {
  assert.equal(verdictOf([]), 'not-enough-evidence');
});
