/**
 * Hunts probes that promote without leave, that alarm on what both sides share, and failures that vanish between
 * two stages.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chance } from '../../../test/support/chance.ts';
import { ProbeGuard, type ProbeRules } from './probe-guard.ts';

const LEVEL = { falseAlarms: 0.005, falsePasses: 0.05 };
const RULES: ProbeRules = { tolerateErrors: 1.5, tolerateLatency: 1.25, negligible: 0.005, promote: false };

interface Law {
  readonly failing: number;
  readonly tookMs: number;
}

const WELL: Law = { failing: 0, tookMs: 5 };

function probed(count: number, candidate: Law, stable: Law, rules: Partial<ProbeRules> = {}, seed = 1) {
  const chance = new Chance(seed);
  const guard = new ProbeGuard({ ...RULES, ...rules }, LEVEL);
  let alarmed = false;
  for (let at = 0; at < count; at += 1) {
    const side = chance.unit() < 0.5 ? 'candidate' : 'stable';
    const { failing, tookMs } = side === 'candidate' ? candidate : stable;
    const outcome = {
      side,
      passed: chance.unit() >= failing,
      tookMs: tookMs * (0.2 + chance.unit()),
    } as const;
    guard.take(outcome, 'GET / answered 500');
    alarmed ||= guard.findings().some(({ verdict }) => verdict === 'worse');
  }
  const [errors, latency] = guard.findings();
  assert.ok(errors && latency);
  return { guard, errors, latency, alarmed };
}

test('a candidate that fails half of them is found after a handful', () => {
  const { errors } = probed(60, { ...WELL, failing: 0.5 }, WELL);
  assert.equal(errors.verdict, 'worse');
  assert.match(errors.proof, /^candidate failed \d+ of \d+ \(GET \/ answered 500\), stable 0 of \d+$/);
});

test('a candidate that is twice as slow is found', () => {
  assert.equal(probed(400, { ...WELL, tookMs: 15 }, WELL).latency.verdict, 'worse');
});

test('what fails on both sides alike is no alarm beyond its share', () => {
  const bad: Law = { failing: 0.3, tookMs: 5 };
  let alarms = 0;
  for (let seed = 1; seed <= 300; seed += 1) {
    const rules = { tolerateErrors: 1, tolerateLatency: 1 };
    if (probed(300, bad, bad, rules, seed).alarmed) alarms += 1;
  }
  assert.ok(alarms <= 6, `${alarms} of 300 at a level of 1 in 100`);
});

test('they vouch for a candidate only with leave, with evidence, and anew in each stage', () => {
  assert.equal(probed(5_000, WELL, WELL).errors.role, 'alarm');
  const few = probed(20, WELL, WELL, { promote: true });
  assert.deepEqual([few.errors.role, few.errors.verdict], ['voucher', 'not-enough-evidence']);
  const many = probed(5_000, WELL, WELL, { promote: true });
  assert.equal(many.errors.verdict, 'better-or-same');
  many.guard.beginStage();
  assert.equal(many.guard.findings()[0]?.verdict, 'not-enough-evidence');
});

test('what was bad in one stage is remembered in the next', () => {
  const { guard } = probed(60, { ...WELL, failing: 0.5 }, WELL);
  guard.beginStage();
  assert.equal(guard.findings()[0]?.verdict, 'worse');
});
