/** Hunts candidates that did well for hours and are not called broken when they break, and slightly worse ones that are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../limits.ts';
import { Recent } from './recent.ts';

const after = (...samples: readonly (readonly [atMs: number, bad: number, requests: number])[]) => {
  const recent = new Recent();
  for (const [atMs, bad, requests] of samples) recent.add(atMs, { bad, requests });
  return recent;
};

test('nothing, and one failed request, is not broken', () => {
  assert.equal(after().isBroken, false);
  assert.equal(after([0, 1, 1]).isBroken, false);
});

test('half of the newest requests is', () => {
  assert.equal(after([0, 2, 4]).isBroken, true);
  assert.equal(after([0, 2, 5]).isBroken, false);
  assert.equal(after([0, 1, 2], [100, 1, 2]).isBroken, true);
});

test('what was long ago neither excuses nor accuses it', () => {
  const laterMs = limits.judge.recentMs + 1;
  assert.equal(after([0, 0, 100_000], [laterMs, 5, 5]).isBroken, true);
  assert.equal(after([0, 500, 500], [laterMs, 0, 5]).isBroken, false);
  assert.equal(after([0, 500, 500], [laterMs, 0, 0]).isBroken, false);
});
