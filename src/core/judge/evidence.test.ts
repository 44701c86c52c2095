/**
 * Hunts evidence that is counted twice or lost when control dies, the gateway is another one, or weights change, and
 * requests that are held against those who met another weight.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../limits.ts';
import type { AssignedCounts, FailureEvent } from '../traffic/counts.ts';
import { beginEvidence, EvidenceBook } from './evidence.ts';
import type { Observation } from './observed.ts';

type Label = Pick<AssignedCounts, 'version' | 'group' | 'percent' | 'rule'>;

const candidateAt = (percent: number): Label => ({ version: 'v2', group: 'candidate', percent, rule: null });
const stableAt = (percent: number): Label => ({ version: 'v1', group: 'stable', percent, rule: null });
const baselineAt = (percent: number): Label => ({ version: 'v1', group: 'baseline', percent, rule: null });

const row = (label: Label, ok: number, errors = 0): AssignedCounts => ({
  ...{ service: 'web', ...label },
  ...{ answered: [ok, 0, 0, errors], failed: 0, abandoned: 0, retried: 0 },
  ...{ decisions: ok + errors, latency: ok > 0 ? [7, ok] : [], latencySumMs: 0 },
});

const OF = { release: 'r2', service: 'web', from: 'v1', to: 'v2' } as const;
const at = (index: number, candidate: number, baseline = 0) => ({
  ...{ index, atMs: 0, weights: { candidate, baseline }, cold: false },
});
const plain = (...rows: AssignedCounts[]) => ({ rows, failures: [], sticky: false });
const again = (book: EvidenceBook): EvidenceBook => {
  const kept: unknown = JSON.parse(JSON.stringify(book.record()));
  assert.deepEqual(kept, book.record());
  return new EvidenceBook(book.record());
};

const brief = (rows: readonly Observation[]) =>
  rows.map(({ share, rule, candidate, stable }) => [
    ...[rule ?? share, candidate.requests, candidate.errors, stable.requests, stable.errors],
  ]);

function stageOne(...before: AssignedCounts[]): EvidenceBook {
  const book = new EvidenceBook(beginEvidence(OF, before));
  book.enter(at(3, 5));
  return book;
}

test('what was counted before the release, and what is of others, is not the release’s', () => {
  const book = stageOne(row(candidateAt(5), 10, 9), row(stableAt(95), 100));
  assert.equal(book.take(plain(row(candidateAt(5), 10, 9), row(stableAt(95), 100))), false);
  const other = { ...row(candidateAt(5), 50), service: 'api' };
  book.take(plain(row(candidateAt(5), 14, 10), row(stableAt(95), 190), other));
  assert.deepEqual(brief(book.observed().release), [[0.05, 5, 1, 90, 0]]);
});

test('property: reports in whatever pieces, controls that die and gateways that begin anew: every request once', () => {
  const step = fc.record({
    does: fc.constantFrom('report', 'report', 'report', 'control dies', 'gateway is another'),
    candidate: fc.tuple(fc.nat(20), fc.nat(3)),
    stable: fc.tuple(fc.nat(200), fc.nat(3)),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let book = stageOne();
      let written = book.record();
      const total = [0, 0, 0, 0];
      let now = [0, 0, 0, 0];
      for (const { does, candidate, stable } of steps) {
        const more = [...candidate, ...stable];
        if (does === 'gateway is another') now = [0, 0, 0, 0];
        // As the judge's desk does: what was not written is what the gateway tells again.
        if (does === 'control dies') book = new EvidenceBook(written);
        // A gateway that has not said more than the one before it cannot be told from it.
        const before = [...now];
        now = now.map((count, i) => count + (more[i] ?? 0));
        if (before.every((count) => count === 0) && does === 'gateway is another')
          book.take(plain(row(candidateAt(5), 0), row(stableAt(95), 0)));
        for (const [i, count] of more.entries()) total[i] = (total[i] ?? 0) + count;
        const [a = 0, b = 0, c = 0, d = 0] = now;
        book.take(plain(row(candidateAt(5), a, b), row(stableAt(95), c, d)));
        if (does !== 'control dies') written = book.record();
      }
      const [a = 0, b = 0, c = 0, d = 0] = total;
      const expected = a + b + c + d === 0 ? [] : [[0.05, a + b, b, c + d, d]];
      assert.deepEqual(brief(book.observed().release), expected);
    }),
  );
});

test('each weight is held against those who met the same one, and each stage begins with nothing', () => {
  const book = stageOne();
  book.take(plain(row(candidateAt(5), 5), row(stableAt(95), 95)));
  // The gateway runs the next weight before control has heard of it.
  book.expect({ candidate: 50, baseline: 0 });
  book.take(plain(row(candidateAt(50), 1, 1), row(stableAt(50), 2)));
  book.enter(at(7, 50));
  assert.deepEqual(brief(book.observed().stage), []);
  book.take(
    plain(row(candidateAt(50), 11, 1), row(stableAt(50), 12), row(candidateAt(5), 6), row(stableAt(95), 95)),
  );
  const copy = again(book);
  for (const each of [book, copy]) {
    assert.deepEqual(brief(each.observed().release), [
      [0.05, 6, 0, 95, 0],
      [0.5, 12, 1, 12, 0],
    ]);
    // A request that was accepted under the weight before ends now: it is no part of the release that is lost.
    assert.deepEqual(brief(each.observed().stage), [
      [0.5, 10, 0, 10, 0],
      [0.05, 1, 0, 0, 0],
    ]);
  }
});

test('beside a baseline the candidate is held against that, and stable is left out', () => {
  const book = new EvidenceBook(beginEvidence(OF, []));
  book.enter(at(3, 10, 10));
  book.take(plain(row(candidateAt(10), 10, 1), row(baselineAt(10), 9), row(stableAt(80), 80, 8)));
  assert.deepEqual(brief(book.observed().stage), [[0.5, 11, 1, 9, 0]]);
  // Without one, the same percent of stable's is beside another weight.
  book.enter(at(5, 20));
  book.take(plain(row(candidateAt(20), 20), row(stableAt(80), 160, 8), row(baselineAt(10), 9)));
  assert.deepEqual(brief(book.observed().stage), [[0.2, 20, 0, 80, 0]]);
});

test('what a rule chose is apart; whom it chose wholly is nobody to compare with', () => {
  const ruled = (label: Label, rule: string): Label => ({ ...label, rule });
  const book = stageOne();
  book.take(
    plain(
      row(ruled(candidateAt(30), 'beta'), 3, 1),
      row(ruled(stableAt(70), 'beta'), 7),
      row(ruled(candidateAt(100), 'staff'), 50, 50),
      row(candidateAt(5), 5),
    ),
  );
  assert.deepEqual(brief(book.observed().release), [
    ['beta', 4, 1, 7, 0],
    [0.05, 5, 0, 0, 0],
  ]);
});

test('full traffic has nothing beside it, and requests without a weight are the candidate’s own', () => {
  const book = stageOne();
  book.enter({ index: 9, atMs: 0, weights: null, cold: false });
  const unweighed = { group: null, percent: null, rule: null };
  book.take(plain(row({ version: 'v2', ...unweighed }, 90, 10), row({ version: 'v1', ...unweighed }, 70)));
  assert.deepEqual(brief(book.observed().stage), [[1, 100, 10, 0, 0]]);
});

test('while it is cold only latencies are left out, unless a baseline is as cold', () => {
  for (const [baseline, measured] of [
    [0, []],
    [5, [7, 10]],
  ] as const) {
    const book = new EvidenceBook(beginEvidence(OF, []));
    book.enter({ ...at(3, 5, baseline), cold: true });
    book.take(plain(row(candidateAt(5), 10, 2)));
    const [seen] = again(book).observed().stage;
    assert.deepEqual([seen?.candidate.errors, seen?.candidate.latency], [2, measured]);
    book.warm();
    book.take(plain(row(candidateAt(5), 15, 2)));
    assert.deepEqual(book.observed().stage[0]?.candidate.latency, [7, 5 + (measured[1] ?? 0)]);
  }
});

describe('where traffic is sticky', () => {
  const failure = (session: string | null, label: Label = candidateAt(5)): FailureEvent => ({
    ...{ service: 'web', ...label },
    ...{ atMs: 0, instance: 'a', routing: 1, session, kind: 'status', status: 500 },
  });
  const errors = (book: EvidenceBook) => brief(book.observed().release).map((seen) => seen[2]);
  const met = (book: EvidenceBook, ...failures: FailureEvent[]) =>
    book.take({ rows: [], failures, sticky: true });

  test('a session counts its first error, however many it meets, and whoever has none counts each', () => {
    let book = stageOne();
    book.take({ rows: [row(candidateAt(5), 100, 7)], failures: [], sticky: true });
    assert.deepEqual(errors(book), [0], 'the row alone says nothing of whose errors they are');
    met(book, failure('a'), failure('a'), failure('b'), failure(null), failure(null));
    assert.deepEqual(errors(book), [4]);
    book = again(book);
    met(book, failure('a'), failure('c'));
    assert.deepEqual(errors(book), [5]);
  });

  test('the same session meets one on one side only, and again in the next stage, where the stage counts anew', () => {
    const book = stageOne();
    met(book, failure('a'), failure('a', stableAt(95)), failure('a', stableAt(95)));
    assert.deepEqual(brief(book.observed().release), [[0.05, 0, 1, 0, 0]]);
    book.enter(at(7, 50));
    met(book, failure('a', candidateAt(50)), failure('a', candidateAt(50)));
    assert.deepEqual(brief(book.observed().stage), [[0.5, 0, 1, 0, 0]]);
    assert.deepEqual(errors(book), [1], 'of the release it was known');
  });

  test('past the bound all sides are forgotten together, and what is kept stays small', () => {
    const book = stageOne();
    const { sessionsMax } = limits.judge;
    met(book, failure('seen', stableAt(95)));
    met(book, ...Array.from({ length: sessionsMax + 1 }, (_, i) => failure(`s${i}`)));
    assert.deepEqual(errors(book), [sessionsMax + 1]);
    assert.deepEqual(book.record().sessions, { candidate: [`s${sessionsMax}`], stable: [], baseline: [] });
  });
});
