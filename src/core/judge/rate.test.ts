/** Hunts bounds that are crossed by noise, intervals that miss what was seen, and numbers that are none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { driftBelow, evidenceOfAbove, evidenceOfBelow, rateInterval, waldBound } from './rate.ts';

const NEEDED = Math.log(100);

test('a rate far above its bound is found after a few requests, one at the bound is not', () => {
  assert.ok(evidenceOfAbove({ bad: 5, requests: 10 }, 0.01) >= NEEDED);
  assert.ok(evidenceOfAbove({ bad: 100, requests: 10_000 }, 0.01) < 0);
  assert.ok(evidenceOfAbove({ bad: 1, requests: 3 }, 0.02) < NEEDED, 'one of three is noise');
});

test('no error in enough requests shows that the rate is negligible, as the rule of three says', () => {
  assert.ok(evidenceOfBelow({ bad: 0, requests: 1000 }, 0.005) >= Math.log(20));
  assert.ok(evidenceOfBelow({ bad: 0, requests: 500 }, 0.005) < Math.log(20));
  assert.ok(evidenceOfBelow({ bad: 5, requests: 1000 }, 0.005) < 0);
});

test('the interval holds the share that was seen and stays between 0 and 1', () => {
  const rate = fc.record({
    requests: fc.integer({ min: 1, max: 1e8 }),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(rate, fc.constantFrom(0.001, 0.05, 0.5), ({ requests, part }, alpha) => {
      const bad = Math.round(requests * part);
      const { from, to } = rateInterval({ bad, requests }, alpha);
      assert.ok(from >= 0 && from <= bad / requests && bad / requests <= to && to <= 1, `${from} ${to}`);
    }),
  );
  assert.deepEqual(rateInterval({ bad: 0, requests: 0 }, 0.05), { from: 0, to: 1 });
});

test('what is missing is known only where it leads somewhere', () => {
  assert.ok(driftBelow(0, 0.005) > 0);
  assert.ok(driftBelow(0.01, 0.005) <= 0);
  assert.ok(waldBound(0.01, 0.001, 0.01) > 300 && waldBound(0.01, 0.001, 0.01) < 350);
});

test('any counts and bounds keep it a number', () => {
  const bound = fc.double({ min: 1e-9, max: 0.999, noNaN: true });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1e8 }),
      fc.integer({ min: 0, max: 1e8 }),
      bound,
      (bad, good, limit) => {
        const rate = { bad, requests: bad + good };
        assert.ok(Number.isFinite(evidenceOfAbove(rate, limit)));
        assert.ok(Number.isFinite(evidenceOfBelow(rate, limit)));
      },
    ),
  );
});
