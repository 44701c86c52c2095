/** Hunts a standing that tells people less evidence, time or trouble than there is, or a time that nobody can know. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withGuards } from './guarded-judgement.ts';
import { describeStandingWhole, standingOf } from './standing.ts';
import type { Finding, GuardFinding, Verdict } from './verdict.ts';

const finding = (guard: string, log: number, missingRequests: number | null): Finding => ({
  ...{ guard, counts: 'errors', verdict: 'not-enough-evidence' },
  ...{ worse: { log: 0, neededLog: 5 }, same: { log, neededLog: 3 } },
  ...{ candidate: { bad: 0, requests: 50 }, stageRequests: 40, stable: null },
  ...{ tolerated: { type: 'ratio', value: 1.5 }, effect: { from: 0, to: null }, missingRequests },
});
const AWAY: GuardFinding = {
  ...{
    guard: 'metric stock',
    verdict: 'not-enough-evidence',
    role: 'gate',
    worse: null,
    proof: 'no value yet',
  },
};

const standing = (
  findings: readonly Finding[],
  { perSecond = 2, guards = [], verdict = 'not-enough-evidence', split = 0 }: Partial<Scene> = {},
) => standingOf(withGuards({ verdict, findings, mismatch: { log: split, neededLog: 5 } }, guards), perSecond);
interface Scene {
  readonly perSecond: number | null;
  readonly guards: readonly GuardFinding[];
  readonly verdict: Verdict;
  readonly split: number;
}

test('it is as far as the guard that has the least, and takes as long as the one that needs the most', () => {
  const now = standing([finding('errors', 1.5, 100), finding('p99', 0.3, 60), finding('p50', 3, 0)]);
  assert.deepEqual(now.evidence, { guard: 'p99', log: 0.3, neededLog: 3, part: 0.3 / 3 });
  assert.deepEqual([now.missingRequests, now.missingMs, now.requests], [100, 50_000, 40]);
  assert.deepEqual(now.holds, ['errors', 'p99']);
  assert.match(
    describeStandingWhole(now),
    /^holds: 40 of about 140 requests, 50s more at 2\/s; evidence 10%$/,
  );
});

test('evidence that speaks against it is none for it', () => {
  assert.equal(standing([finding('errors', -4, null)]).evidence?.part, 0);
});

test('a time is said only where there is a rate and an end in sight', () => {
  assert.equal(standing([finding('errors', 1, 10)], { perSecond: null }).missingMs, null);
  assert.equal(standing([finding('errors', 1, 10)], { perSecond: 0 }).missingMs, null);
  const never = standing([finding('errors', 1, 10), finding('p99', 1, null)]);
  assert.deepEqual([never.missingRequests, never.missingMs], [null, null]);
});

test('what else holds it is named: a source that is away, a split that is not the one asked for', () => {
  const now = standing([finding('errors', 3, 0)], { verdict: 'better-or-same', guards: [AWAY] });
  assert.equal(now.verdict, 'not-enough-evidence');
  assert.deepEqual(now.holds, ['metric stock']);
  assert.match(describeStandingWhole(now), /^holds for metric stock: no value yet$/);
  assert.deepEqual(standing([finding('errors', 3, 0)], { split: 6 }).holds, ['split']);
});

test('what is decided waits for nothing', () => {
  const now = standing([finding('errors', 4, 0)], { verdict: 'better-or-same' });
  assert.deepEqual([now.evidence, now.holds, now.missingRequests], [null, [], 0]);
  assert.equal(describeStandingWhole(now), 'the candidate is not worse');
});
