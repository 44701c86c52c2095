/** Hunts a past that grows without end, that a release can change while it is judged, or that forgets requests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../limits.ts';
import type { AssignedCounts } from '../traffic/counts.ts';
import type { Group } from '../traffic/split.ts';
import { PastBook } from './past-book.ts';

const MINUTE_MS = 60_000;

const row = (ok: number, errors = 0, version = 'v1', group: Group | null = null): AssignedCounts => ({
  ...{ service: 'web', version, group, percent: group === null ? null : 50, rule: null },
  ...{ answered: [ok, 0, 0, errors], failed: 0, abandoned: 0, retried: 0 },
  ...{ decisions: ok + errors, latency: ok > 0 ? [9, ok] : [], latencySumMs: 0 },
});

const totalOf = (book: PastBook) =>
  (book.past?.windows ?? []).reduce((sum, { requests }) => sum + requests, 0);

test('nothing known is no past', () => {
  const book = new PastBook('web', undefined);
  assert.equal(book.take([], 'v1', 0, false), false);
  assert.equal(book.past, null);
});

test('only what stable did is its past, in a release its group and the baseline', () => {
  const book = new PastBook('web', undefined);
  const rows = [row(10, 1), row(20, 0, 'v1', 'stable'), row(5, 0, 'v1', 'baseline')];
  book.take([...rows, row(100, 100, 'v2', 'candidate'), row(100, 100, 'v2')], 'v1', 0, false);
  const [window] = book.past?.windows ?? [];
  assert.deepEqual(window, { fromMs: 0, requests: 36, errors: 1, latency: [9, 35] });
});

test('while a release runs its past does not move, and afterwards nothing is lost', () => {
  let book = new PastBook('web', undefined);
  book.take([row(1_000)], 'v1', 0, false);
  const before = book.past;
  for (let minute = 1; minute < 5; minute += 1) {
    book.take([row(1_000 + minute * 500, minute)], 'v1', minute * MINUTE_MS, true);
    assert.deepEqual(book.past, before);
    book = new PastBook('web', book.record());
  }
  book.take([row(3_000, 4)], 'v1', 5 * MINUTE_MS, false);
  assert.equal(totalOf(book), 3_004);
});

test('property: days of traffic, controls that die, clocks that jump: a bounded number of windows, every request once', () => {
  const step = fc.record({
    more: fc.nat(500),
    afterMinutes: fc.integer({ min: -30, max: 200 }),
    dies: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      let book = new PastBook('web', undefined);
      let [total, atMs] = [0, 1e12];
      for (const { more, afterMinutes, dies } of steps) {
        total += more;
        atMs += afterMinutes * MINUTE_MS;
        book.take([row(total)], 'v1', atMs, false);
        if (dies) book = new PastBook('web', book.record());
        assert.ok(book.record().windows.length <= limits.judge.pastWindowsMax);
      }
      const { windows, windowMs } = book.record();
      assert.ok(windowMs <= 2 * limits.judge.pastWindowMaxMs);
      const kept = windows.reduce((sum, { requests }) => sum + requests, 0);
      assert.ok(
        kept <= total && (windowMs < limits.judge.pastWindowMaxMs ? kept === total : kept > 0 || total === 0),
      );
      assert.equal(totalOf(book), kept);
    }),
    { numRuns: 50 },
  );
});

test('windows with few requests speak together, so that no handful of them is the worst of all', () => {
  const book = new PastBook('web', undefined);
  for (let minute = 0; minute < 20; minute += 1)
    book.take([row((minute + 1) * 300, minute)], 'v1', minute * MINUTE_MS, false);
  const windows = book.past?.windows ?? [];
  assert.ok(windows.length >= 2);
  for (const { requests } of windows) assert.ok(requests >= limits.judge.pastRequestsMin);
});
