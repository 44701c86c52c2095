/** Hunts a retry storm: replays that grow with the failures instead of with the requests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../core/limits.ts';
import { ReplayBudget } from './replay-budget.ts';

const { replayBudgetMin, replayBudgetPercent, replayWindowMs } = limits.gateway;

function taken(budget: ReplayBudget, nowMs: number): number {
  let n = 0;
  while (budget.take(nowMs)) n += 1;
  return n;
}

test('a quiet service has a few, a busy one a share of its requests, and time gives them back', () => {
  const budget = new ReplayBudget();
  assert.equal(taken(budget, 0), replayBudgetMin);
  for (let i = 0; i < 1_000; i += 1) budget.request(1);
  assert.equal(taken(budget, 1), 10 * replayBudgetPercent - replayBudgetMin);
  assert.equal(taken(budget, replayWindowMs), replayBudgetMin);
});
