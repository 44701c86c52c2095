/** Hunts a rate of requests that a killed control, another stage or a clock that jumps makes up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginEvidence } from '../core/judge/evidence.ts';
import { DEFAULT_JUDGE } from '../core/judge/rules.ts';
import type { AssignedCounts } from '../core/traffic/counts.ts';
import { Sitting } from './sitting.ts';

const OF = { release: 'r2', service: 'web', from: 'v1', to: 'v2' } as const;
const KIND = { copies: false, keyed: false };
const news = (requests: number, percent = 10) => {
  const row: AssignedCounts = {
    ...{ service: 'web', version: 'v2', group: 'candidate', percent, rule: null },
    ...{ answered: [requests, 0, 0, 0], failed: 0, abandoned: 0, retried: 0 },
    ...{ decisions: requests, latency: [], latencySumMs: 0 },
  };
  return { rows: [row], failures: [], sticky: false };
};
const stage = (index: number, candidate: number) => ({
  index,
  weights: { candidate, baseline: 0 },
  cold: false,
});

test('requests per second are those of the stage, since this control looks at it', () => {
  const first = new Sitting(beginEvidence(OF, []), null, DEFAULT_JUDGE, KIND);
  first.enter(stage(1, 10), 0);
  assert.equal(first.perSecond(5_000), null);
  first.take(news(0), 1_000);
  first.take(news(40), 5_000);
  assert.equal(first.perSecond(1_000), null);
  assert.equal(first.perSecond(5_000), 10);

  const second = new Sitting(first.record, null, DEFAULT_JUDGE, KIND);
  assert.equal(second.perSecond(60_000), null, 'for how long it was away is not known');
  second.take(news(40), 60_000);
  second.take(news(60), 70_000);
  assert.equal(second.perSecond(70_000), 2);
  second.enter(stage(5, 50), 0);
  second.take(news(0, 50), 80_000);
  second.take(news(9, 50), 83_000);
  assert.equal(second.perSecond(83_000), 3);
});

test('a stage that begins has nothing of the evidence of the one before, not for a moment', () => {
  const sitting = new Sitting(beginEvidence(OF, []), null, DEFAULT_JUDGE, KIND);
  sitting.enter(stage(1, 10), 0);
  const [candidate] = news(5_000).rows;
  assert.ok(candidate);
  const answered = [45_000, 0, 0, 0] as const;
  const beside = { version: 'v1', group: 'stable', percent: 90, answered, decisions: 45_000 } as const;
  sitting.take({ ...news(0), rows: [candidate, { ...candidate, ...beside }] }, 1_000);
  assert.equal(sitting.look()?.judgement.verdict, 'better-or-same');
  assert.equal(sitting.verdict, 'better-or-same');
  sitting.enter(stage(4, 50), 2_000);
  assert.equal(sitting.verdict, 'not-enough-evidence');
});
