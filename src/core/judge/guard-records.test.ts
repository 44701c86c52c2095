/**
 * Hunts evidence that a killed control takes with it, so that the false alarms of a release are spent once for each
 * control; and evidence that the next control counts twice, or believes of a stage that has not begun when it was
 * gathered. Each guard is written down as JSON and goes on in another one, whose clock began anew.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { noShadows } from '../traffic/shadow.ts';
import type { MetricChoice, SaturationChoice } from './guard-choices.ts';
import { type MetricGathered, MetricGuard } from './metric-guard.ts';
import { ProbeGuard, type ProbesGathered } from './probe-guard.ts';
import { type SaturationGathered, SaturationGuard } from './saturation-guard.ts';
import { type ShadowGathered, ShadowGuard } from './shadow-guard.ts';
import type { GuardFinding } from './verdict.ts';

const LEVEL = { falseAlarms: 0.001, falsePasses: 0.05 };
const MB = 1024 ** 2;

const written = (value: unknown) => JSON.parse(JSON.stringify(value));
const logOf = (finding: GuardFinding | undefined) => finding?.worse?.log ?? Number.NaN;

describe('a metric', () => {
  const choiceOf = (rule: MetricChoice['rule'], overMs = 0): MetricChoice => ({
    origin: { type: 'json', url: 'http://a', value: ['n'], headers: {} },
    ...{ everyMs: 1_000, timeoutMs: 500, overMs, rule },
  });
  const COMPARE = { type: 'compare', tolerate: 1, worse: 'higher', negligible: 0 } as const;
  const BOUND = { type: 'bound', min: null, max: 5, readings: 3 } as const;
  const guardOf = (choice: MetricChoice, atMs: number, before: MetricGathered | null = null) =>
    new MetricGuard('x', choice, LEVEL, { atMs, before });
  const bad = (atMs: number) => ({ atMs, candidate: 9, stable: 1 });

  test('that is compared has the pairs that it had', () => {
    const choice = choiceOf(COMPARE);
    const first = guardOf(choice, 0);
    for (let at = 1; at <= 8; at += 1) first.take(bad(at * 1_000));
    const gathered: MetricGathered = written(first.gathered);
    const second = guardOf(choice, 500, gathered);
    assert.equal(logOf(second.finding(500)), logOf(first.finding(8_000)));
    let pairs = 8;
    for (; second.finding(pairs * 1_000).verdict !== 'worse'; pairs += 1)
      second.take(bad(pairs * 1_000 + 500));
    const alone = guardOf(choice, 0);
    for (let at = 1; at < pairs; at += 1) alone.take(bad(at * 1_000));
    assert.equal(alone.finding(pairs * 1_000).verdict, 'not-enough-evidence');
    alone.take(bad(pairs * 1_000));
    assert.equal(alone.finding(pairs * 1_000).verdict, 'worse', 'as soon as one that was never interrupted');
  });

  test('counts no value that looks back on what an earlier control counted', () => {
    const choice = choiceOf(COMPARE, 60_000);
    const first = guardOf(choice, 0);
    first.take(bad(60_000));
    const second = guardOf(choice, 0, written(first.gathered));
    second.take(bad(59_000));
    assert.equal(second.gathered.release.all, 1);
    second.take(bad(60_000));
    assert.equal(second.gathered.release.all, 2);
  });

  test('that was beyond its bound is so still, and one without a value since says nothing', () => {
    const first = guardOf(choiceOf(BOUND), 0);
    for (let at = 1; at <= 3; at += 1) first.take({ ...bad(at * 1_000), stable: null });
    assert.equal(guardOf(choiceOf(BOUND), 0, written(first.gathered)).finding(0).verdict, 'worse');
    const fine = guardOf(choiceOf(BOUND), 0);
    for (let at = 1; at <= 3; at += 1) fine.take({ atMs: at * 1_000, candidate: 1, stable: null });
    assert.equal(fine.finding(3_000).verdict, 'better-or-same');
    const next = guardOf(choiceOf(BOUND), 0, written(fine.gathered));
    assert.equal(next.finding(0).verdict, 'not-enough-evidence');
    assert.equal(next.finding(0).proof, 'no value; it was 1 before control was started again');
    next.take({ atMs: 1_000, candidate: 1, stable: null });
    assert.equal(next.finding(1_000).verdict, 'better-or-same');
  });
});

describe('saturation', () => {
  const CHOICE: SaturationChoice = {
    ...{ everyMs: 10_000, warmupMs: 60_000, cpu: 2, memory: 2, delay: 3, restarts: 2 },
    ...{ memoryMaxBytes: 500 * MB, growthBytesPerHour: 50 * MB },
  };
  const use = (id: string, at: number, greedy: boolean) => ({
    id,
    cpuMs: at * (greedy ? 9_000 : 500),
    rssBytes: (greedy ? 400 + at : 100) * MB,
    requests: at * 100,
    checks: { count: at, tookMs: at * (greedy ? 400 : 2) },
  });
  const read = (guard: SaturationGuard, from: number, to: number, beganAtMs = 0) => {
    for (let at = from; at <= to; at += 1)
      guard.take({
        atMs: beganAtMs + at * 10_000,
        candidate: [use('new-1', at, true)],
        stable: [use('old-1', at, false)],
      });
  };
  const LOGS = ['cpu', 'memory', 'memory growth', 'delay'];
  const logs = (guard: SaturationGuard) =>
    LOGS.map((name) => logOf(guard.findings().find((finding) => finding.guard === name)));

  test('has the readings that it had, keeps who is warm, and leaves out the reading across', () => {
    const first = new SaturationGuard(CHOICE, LEVEL.falseAlarms);
    read(first, 0, 40);
    const gathered: SaturationGathered = written(first.gathered);
    const second = new SaturationGuard(CHOICE, LEVEL.falseAlarms, { before: gathered, atMs: 3_000 });
    assert.deepEqual(logs(second), logs(first));
    assert.deepEqual(second.gathered, gathered, 'nothing changes while nothing is read');
    read(second, 41, 42, -400_000);
    assert.equal(second.gathered.cpu.pairs.all, gathered.cpu.pairs.all + 1);
    assert.ok(logs(second).every((log, at) => log >= (logs(first)[at] ?? Infinity)));
  });
});

test('probes have those that were sent, and each stage its own', () => {
  const rules = { tolerateErrors: 1.5, tolerateLatency: 2, negligible: 0.05, promote: true };
  const first = new ProbeGuard(rules, LEVEL);
  for (let at = 0; at < 400; at += 1)
    first.take({ side: at % 2 === 0 ? 'candidate' : 'stable', passed: true, tookMs: 5 }, '');
  const [before] = first.findings();
  assert.equal(before?.verdict, 'better-or-same');
  const gathered: ProbesGathered = written(first.gathered);
  const second = new ProbeGuard(rules, LEVEL, gathered);
  assert.deepEqual(second.findings(), first.findings());
  second.beginStage();
  assert.equal(second.findings()[0]?.verdict, 'not-enough-evidence');
  for (let at = 0; at < 20; at += 1) second.take({ side: 'candidate', passed: false, tookMs: 5 }, 'it broke');
  assert.match(
    second.findings()[0]?.proof ?? '',
    /^candidate failed 20 of 220 \(it broke\), stable 0 of 200$/,
  );
});

describe('copies', () => {
  const rules = { tolerate: 1.5, negligible: 0.005 };
  const counted = (compared: number, copyErrors: number) => ({
    ...noShadows('web', 'v2'),
    ...{ compared, copyErrors },
  });
  const begun = () => {
    const guard = new ShadowGuard(rules, LEVEL);
    guard.take(counted(1_000, 7));
    guard.beginStage(true);
    guard.take(counted(1_040, 10));
    return guard;
  };

  test('that were compared while control was away count, once', () => {
    const gathered: ShadowGathered = written(begun().gathered);
    const second = new ShadowGuard(rules, LEVEL, gathered);
    second.goOn(true);
    second.take(counted(1_050, 11));
    assert.match(second.findings()[0]?.proof ?? '', /^4 of 50 copies failed/);
    const uninterrupted = begun();
    uninterrupted.take(counted(1_050, 11));
    assert.deepEqual(second.findings(), uninterrupted.findings());
  });

  test('of a gateway that counts from zero meanwhile count from there', () => {
    const second = new ShadowGuard(rules, LEVEL, written(begun().gathered));
    second.goOn(true);
    second.take(counted(5, 1));
    assert.match(second.findings()[0]?.proof ?? '', /^4 of 45 copies failed/);
  });
});
