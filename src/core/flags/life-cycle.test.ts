/** Hunts flags that are called stale while somebody needs them, or forgotten while nobody does; and limits that let all through. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { approversOf, DEFAULT_FLAGS, namesFlag } from './choices.ts';
import { notesOf } from './definition.ts';
import { RateLimit } from './rate-limit.ts';
import { staleCauses } from './stale.ts';
import { UsageBook } from './usage.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2027-03-10T12:00:00Z');

function causes(metadata: Readonly<Record<string, string>>, book: UsageBook, knownSinceMs = 0): string[] {
  const { notes } = notesOf(metadata);
  const question = { notes, usage: book.of('f'), knownSinceMs, afterMs: 30 * DAY_MS, nowMs: NOW_MS };
  return staleCauses(question).map(({ type }) => type);
}

/** Asked each day, the last time now. */
function asked(days: number, variantOn: (day: number) => string | null): UsageBook {
  const book = new UsageBook({});
  for (let day = days; day >= 0; day -= 1) book.count('f', variantOn(day), 'test', NOW_MS - day * DAY_MS);
  return book;
}

test('one variant for long enough is settled, and two are not', () => {
  assert.deepEqual(
    causes(
      {},
      asked(31, () => 'on'),
    ),
    ['settled'],
  );
  assert.deepEqual(
    causes(
      {},
      asked(29, () => 'on'),
    ),
    [],
  );
  assert.deepEqual(
    causes(
      {},
      asked(60, (day) => (day === 10 ? 'off' : 'on')),
    ),
    [],
  );
  assert.deepEqual(
    causes(
      {},
      asked(60, (day) => (day > 40 ? 'off' : 'on')),
    ),
    ['settled'],
  );
  assert.deepEqual(
    causes(
      {},
      asked(31, () => null),
    ),
    ['settled'],
  );
});

test('nobody asking is told from nobody having had the time to', () => {
  const nobody = new UsageBook({});
  assert.deepEqual(causes({}, nobody, NOW_MS - 31 * DAY_MS), ['unasked']);
  assert.deepEqual(causes({}, nobody, NOW_MS - 29 * DAY_MS), []);
  assert.deepEqual(causes({ kind: 'operational' }, nobody), []);
  assert.deepEqual(causes({ kind: 'permission', end: '2027-03-09' }, nobody), ['past-end']);
});

test('an end is the whole day, wherever one is', () => {
  const used = asked(0, () => 'on');
  assert.deepEqual(causes({ end: '2027-03-10' }, used, NOW_MS), []);
  assert.deepEqual(causes({ end: '2027-03-09' }, used, NOW_MS), ['past-end']);
});

test('usage is counted by variant, and that of flags that are gone is forgotten', () => {
  const book = new UsageBook(asked(1, () => 'on').all(new Set(['f'])));
  book.count('f', 'off', 'gateway, web', NOW_MS, 3);
  assert.deepEqual(book.of('f')?.variants, { on: 2, off: 3 });
  assert.equal(book.of('f')?.evaluations, 5);
  assert.deepEqual(book.all(new Set()), {});
});

test('a limit lets so many through at once, then so many in a second', () => {
  const limit = new RateLimit(10, 0);
  const first = Array.from({ length: 12 }, () => limit.take(0));
  assert.deepEqual([first.filter((wait) => wait === 0).length, first.at(-1)], [10, 1]);
  const later = Array.from({ length: 12 }, () => limit.take(500));
  assert.equal(later.filter((wait) => wait === 0).length, 5);
  // A clock that stands still for long saves up no more than it may.
  const much = Array.from({ length: 30 }, () => limit.take(1e9));
  assert.equal(much.filter((wait) => wait === 0).length, 10);
});

test('names with * are any text, whole', () => {
  assert.ok(namesFlag(['a-*'], 'a-b') && namesFlag(['*'], 'x') && namesFlag(['a*b*c'], 'a1b2c'));
  assert.ok(
    !namesFlag(['a-*'], 'b-a-') && !namesFlag(['a'], 'ab') && !namesFlag(['a*a'], 'a') && !namesFlag([], 'a'),
  );
  const choices = { ...DEFAULT_FLAGS, approvals: [{ flags: ['pay-*'], by: ['dana'] }] };
  assert.deepEqual([approversOf(choices, 'pay-now'), approversOf(choices, 'theme')], [['dana'], null]);
});
