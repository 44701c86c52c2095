/**
 * Hunts shares that are only right on average, requests of one share that come in lumps, a session that more weight
 * takes off the candidate, and releases that always meet the same sessions first.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { shuffled, SLOTS, Slots } from './slots.ts';
import { groupAt } from './split.ts';

const percents = fc
  .tuple(fc.nat(100), fc.nat(100))
  .map(([candidate, other]) => ({ candidate, baseline: Math.min(other, 100 - candidate) }));

test('any hundred requests in a row are shared out exactly', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(300), percents, (start, skipped, shares) => {
      const slots = new Slots(start);
      for (let i = 0; i < skipped; i += 1) slots.take();
      const groups = Array.from({ length: SLOTS }, () => groupAt(slots.take(), shares));
      const count = (group: string) => groups.filter((one) => one === group).length;
      assert.deepEqual(
        [count('candidate'), count('baseline'), count('stable')],
        [shares.candidate, shares.baseline, 100 - shares.candidate - shares.baseline],
      );
    }),
  );
});

test('what a share gets is spread: never twice as far apart as it would be evenly, and one', () => {
  for (let percent = 1; percent < 100; percent += 1) {
    const slots = new Slots(7);
    let gap = 0;
    let longest = 0;
    for (let i = 0; i < 2 * SLOTS; i += 1) {
      gap = groupAt(slots.take(), { candidate: percent, baseline: 0 }) === 'candidate' ? 0 : gap + 1;
      longest = Math.max(longest, gap);
    }
    assert.ok(longest <= 2 * (SLOTS / percent) + 1, `${percent}%: ${longest} in a row without`);
  }
});

test('more weight takes nobody off the candidate, and the baseline is taken from the other end', () => {
  fc.assert(
    fc.property(fc.nat(99), fc.nat(100), fc.nat(100), (slot, one, other) => {
      const [less, more] = [Math.min(one, other), Math.max(one, other)];
      if (groupAt(slot, { candidate: less, baseline: 0 }) === 'candidate')
        assert.equal(groupAt(slot, { candidate: more, baseline: 100 - more }), 'candidate');
    }),
  );
});

test('each salt orders the slots anew, one to one', () => {
  const orders = new Set<string>();
  for (let salt = 0; salt < 50; salt += 1) {
    const order = Array.from({ length: SLOTS }, (_, slot) => shuffled(slot, salt * 2_654_435));
    assert.equal(new Set(order).size, SLOTS);
    assert.ok(order.every((slot) => slot >= 0 && slot < SLOTS));
    orders.add(order.slice(0, 5).join());
  }
  assert.ok(orders.size > 40);
});
