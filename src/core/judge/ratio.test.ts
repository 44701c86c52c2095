/** Hunts evidence that depends on how counts are cut into rows, or that overflows, or that has the wrong sign. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BadRequests, evidenceOfBetter, evidenceOfWorse, ratioInterval } from './ratio.ts';

const NEEDED = Math.log(100);

const share = fc.double({ min: 0.001, max: 0.999, noNaN: true });
const count = fc.integer({ min: 0, max: 1000 });
const rows = fc.array(fc.record({ share, candidate: count, stable: count }), { maxLength: 6 });
const tolerance = fc.double({ min: 1, max: 5, noNaN: true });

const near = (a: number, b: number) => assert.ok(Math.abs(a - b) <= 1e-6 * (1 + Math.abs(a)), `${a} ${b}`);

test('nothing seen is no evidence', () => {
  near(evidenceOfWorse([], 1), 0);
  near(evidenceOfBetter([], 1), 0);
});

test('a few errors of a candidate that gets one request in ten are enough', () => {
  assert.ok(evidenceOfWorse([{ share: 0.1, candidate: 3, stable: 0 }], 1) >= NEEDED);
  assert.ok(evidenceOfWorse([{ share: 0.1, candidate: 2, stable: 0 }], 1) < NEEDED);
  assert.ok(evidenceOfWorse([{ share: 0.1, candidate: 3, stable: 27 }], 1) < 0);
});

test('what everybody suffers from says nothing against the candidate', () => {
  assert.ok(evidenceOfWorse([{ share: 0.5, candidate: 50_000, stable: 50_000 }], 1) < 0);
});

test('with everything or nothing on the candidate there is nothing to compare', () => {
  for (const all of [0, 1]) {
    near(evidenceOfWorse([{ share: all, candidate: 500 * all, stable: 500 * (1 - all) }], 1.5), 0);
  }
});

test('evidence is the same however the requests are cut into rows, and in whatever order', () => {
  fc.assert(
    fc.property(rows, tolerance, fc.nat(), (all, tolerate, at) => {
      const cut = all.flatMap((row): BadRequests[] => [
        { ...row, candidate: Math.min(row.candidate, at), stable: 0 },
        { ...row, candidate: Math.max(0, row.candidate - at) },
      ]);
      near(evidenceOfWorse(cut.toReversed(), tolerate), evidenceOfWorse(all, tolerate));
      near(evidenceOfBetter(cut, tolerate), evidenceOfBetter(all, tolerate));
    }),
  );
});

test('one more error of the candidate never speaks for it, and more tolerance never against it', () => {
  fc.assert(
    fc.property(rows, share, tolerance, (all, more, tolerate) => {
      const worse = [...all, { share: more, candidate: 1, stable: 0 }];
      assert.ok(evidenceOfWorse(worse, tolerate) >= evidenceOfWorse(all, tolerate) - 1e-9);
      assert.ok(evidenceOfBetter(worse, tolerate) <= evidenceOfBetter(all, tolerate) + 1e-9);
      assert.ok(evidenceOfWorse(all, tolerate * 1.5) <= evidenceOfWorse(all, tolerate) + 1e-9);
    }),
  );
});

test('a hundred million requests keep it a number', () => {
  for (const candidate of [0, 1, 1e4, 1e8]) {
    for (const stable of [0, 1, 1e4, 1e8]) {
      for (const at of [0.0001, 0.01, 0.5, 0.9999]) {
        const row = [{ share: at, candidate, stable }];
        assert.ok(Number.isFinite(evidenceOfWorse(row, 1)), `${candidate} ${stable} ${at}`);
        assert.ok(Number.isFinite(evidenceOfBetter(row, 1)), `${candidate} ${stable} ${at}`);
      }
    }
  }
});

test('the interval holds the ratio that was seen, and shrinks with what is seen', () => {
  const of = (times: number) =>
    ratioInterval([{ share: 0.5, candidate: 20 * times, stable: 10 * times }], 0.05);
  const [few, many] = [of(1), of(100)];
  for (const { from, to } of [few, many]) assert.ok(from < 2 && 2 < to);
  assert.ok(few.from < many.from && many.to < few.to);
  assert.ok(many.to / many.from < 1.4, JSON.stringify(many));
  assert.deepEqual(ratioInterval([], 0.05), { from: 0, to: Infinity });
});
