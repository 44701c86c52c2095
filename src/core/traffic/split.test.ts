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

/** Of what it should be, in as many requests in a row as there are: by so much one worker may be off. */
const OFF_MAX = 2.4;

test('several workers together are off by what each may be off, however many requests there are', () => {
  const interleaved = fc.array(fc.nat(7), { minLength: 1_000, maxLength: 1_000 });
  fc.assert(
    fc.property(
      fc.array(fc.nat(), { minLength: 1, maxLength: 8 }),
      interleaved,
      fc.integer({ min: 1, max: 99 }),
      (starts, turns, candidate) => {
        const workers = starts.map((start) => new Slots(start));
        // Whichever worker the kernel gives a request to.
        const taken = turns.map((turn) => {
          const slot = workers[turn % workers.length]?.take() ?? 0;
          return groupAt(slot, { candidate, baseline: 0 }) === 'candidate' ? 1 : 0;
        });
        for (const window of [SLOTS, 250, taken.length])
          for (let from = 0; from + window <= taken.length; from += 1) {
            const count = taken.slice(from, from + window).reduce<number>((sum, one) => sum + one, 0);
            const off = Math.abs(count - (window * candidate) / SLOTS);
            assert.ok(
              off <= OFF_MAX * workers.length + 1e-9,
              `${off} off in ${window} with ${workers.length} workers`,
            );
          }
      },
    ),
    { numRuns: 50 },
  );
});

test('the bound for one worker is the least that holds: every share, every number of requests in a row', () => {
  let worst = 0;
  for (let candidate = 1; candidate < SLOTS; candidate += 1) {
    const slots = new Slots(0);
    let [sum, least, most] = [0, 0, 0];
    for (let i = 0; i < 2 * SLOTS; i += 1) {
      sum += (groupAt(slots.take(), { candidate, baseline: 0 }) === 'candidate' ? SLOTS : 0) - candidate;
      least = Math.min(least, sum);
      most = Math.max(most, sum);
    }
    worst = Math.max(worst, (most - least) / SLOTS);
  }
  assert.equal(worst, OFF_MAX);
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

const isWithin = (some: Set<number>, all: Set<number>) => [...some].every((one) => all.has(one));

test('more weight takes nobody off the candidate, nor off the baseline at the other end', () => {
  const slotsOf = (group: string, candidate: number, baseline: number) =>
    new Set(
      Array.from({ length: SLOTS }, (_, i) => i).filter((i) => groupAt(i, { candidate, baseline }) === group),
    );
  for (let less = 0; less <= 100; less += 1)
    for (let more = less; more <= 100; more += 1) {
      assert.ok(isWithin(slotsOf('candidate', less, 0), slotsOf('candidate', more, 100 - more)));
      assert.ok(isWithin(slotsOf('baseline', 100 - more, less), slotsOf('baseline', 0, more)));
    }
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
