/** Hunts promotions past a guard that says nothing, guards that only watch and act, and a budget spent twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgetOf } from './budget.ts';
import type { GuardChoices } from './guard-choices.ts';
import { withGuards } from './guarded-judgement.ts';
import type { Judgement } from './judge.ts';
import type { GuardFinding, Verdict } from './verdict.ts';
import { describeProof, describeStanding } from './words.ts';

const judgement = (verdict: Verdict, isSplitWrong = false): Judgement => ({
  verdict,
  findings: [],
  mismatch: { log: isSplitWrong ? 10 : 0, neededLog: 5 },
});

const finding = (role: GuardFinding['role'], verdict: Verdict): GuardFinding => ({
  ...{ guard: 'x', role, verdict },
  worse: null,
  proof: '',
});

const [SAME, WORSE, UNSURE] = ['better-or-same', 'worse', 'not-enough-evidence'] as const;

const word = (counts: Verdict, ...guards: GuardFinding[]) => withGuards(judgement(counts), guards).verdict;

test('worse wins, whoever says it, but those who only watch', () => {
  for (const role of ['gate', 'alarm', 'voucher'] as const)
    for (const counts of [SAME, UNSURE, WORSE] as const)
      assert.equal(word(counts, finding(role, WORSE), finding('gate', SAME)), WORSE);
  assert.equal(word(SAME, finding('watch', WORSE)), SAME);
  assert.equal(word(WORSE, finding('gate', SAME)), WORSE);
});

test('a gate holds until it says that it may go on, and can do no more (R8)', () => {
  assert.equal(word(SAME, finding('gate', UNSURE)), UNSURE);
  assert.equal(word(SAME, finding('gate', SAME), finding('gate', UNSURE)), UNSURE);
  assert.equal(word(SAME, finding('gate', SAME)), SAME);
  assert.equal(word(UNSURE, finding('gate', SAME)), UNSURE);
  assert.equal(
    word(SAME, finding('alarm', UNSURE), finding('watch', UNSURE), finding('voucher', UNSURE)),
    SAME,
  );
});

test('a voucher stands in for requests, not for gates, and not where the split is wrong (R3)', () => {
  assert.equal(word(UNSURE, finding('voucher', SAME)), SAME);
  assert.equal(word(UNSURE, finding('alarm', SAME)), UNSURE);
  assert.equal(word(UNSURE, finding('voucher', SAME), finding('gate', UNSURE)), UNSURE);
  assert.equal(withGuards(judgement(UNSURE, true), [finding('voucher', SAME)]).verdict, UNSURE);
});

test('all guards together spend no more than the release may', () => {
  const origin = { type: 'json', url: 'http://a/', value: ['x'], headers: {} } as const;
  const metric = { origin, everyMs: 1, timeoutMs: 1, overMs: 0 };
  const compare = { type: 'compare', tolerate: 1, worse: 'higher', negligible: 0 } as const;
  const choices: GuardChoices = {
    metrics: { a: { ...metric, rule: compare }, b: { ...metric, rule: { type: 'watch' } } },
    saturation: {
      ...{ everyMs: 1, warmupMs: 1, cpu: 2, memory: 2, restarts: 2 },
      ...{ memoryMaxBytes: 1, growthBytesPerHour: null, delay: null },
    },
    probes: { requests: [], perSecond: 1, promote: false },
  };
  const { requests, each } = budgetOf(0.01, choices, false);
  assert.ok(Math.abs(requests + 6 * each - 0.01) < 1e-12);
  assert.deepEqual(budgetOf(0.01, { metrics: {}, saturation: null, probes: null }, false), {
    requests: 0.01,
    each: 0,
  });
});

test('the reason names the guard that found it worse, and a stage says what it waits for', () => {
  const bad = { ...finding('gate', WORSE), guard: 'metric stock', proof: '7, not at most 5' };
  const watched = { ...finding('watch', WORSE), guard: 'metric other' };
  assert.equal(describeProof(withGuards(judgement(SAME), [bad, watched])), 'metric stock: 7, not at most 5.');
  const away = { ...finding('gate', UNSURE), guard: 'metric stock', proof: 'no value yet' };
  assert.equal(
    describeStanding(withGuards(judgement(SAME), [away, finding('alarm', UNSURE)]), null),
    'holds for metric stock: no value yet',
  );
});
