/** Hunts work that is lost, done twice, done all at once, or still under way after the failure was reported. */
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { forEachBounded } from './bounded.ts';

test('does everything once, and never more than the width at a time', async () => {
  const items = Array.from({ length: 50 }, (_, i) => i);
  const done: number[] = [];
  let underWay = 0;
  let most = 0;
  await forEachBounded(items, 4, async (item) => {
    underWay += 1;
    most = Math.max(most, underWay);
    for (let i = 0; i < item % 3; i += 1) await turn();
    underWay -= 1;
    done.push(item);
  });
  assert.deepEqual(
    done.toSorted((a, b) => a - b),
    items,
  );
  assert.equal(most, 4);
});

test('after a failure begins nothing, waits for what is under way, and throws the first', async () => {
  const begun: number[] = [];
  let ended = 0;
  const work = async (item: number) => {
    begun.push(item);
    if (item === 1) throw new Error('first');
    await turn();
    await turn();
    ended += 1;
    if (item === 2) throw new Error('second');
  };
  await assert.rejects(forEachBounded([0, 1, 2, 3, 4, 5], 3, work), /first/);
  assert.deepEqual(begun, [0, 1, 2]);
  assert.equal(ended, 2);
});

test('of nothing makes nothing', async () => {
  await forEachBounded([], 3, () => Promise.reject(new Error('never called')));
});
