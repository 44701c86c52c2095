/** Hunts a count that is lost, doubled or falls when workers report in parts, come and die (T5). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FailureEvent, InstanceCounts, TrafficReport } from './counts.ts';
import { limits } from '../limits.ts';
import { EMPTY_REPORT, ReportBook } from './report-book.ts';

const row = (instance: string, requests: number, inFlight = 0): InstanceCounts => ({
  service: 'web',
  instance,
  version: 'v1',
  inFlight,
  streams: 0,
  requests: requests + inFlight,
  answered: [requests, 0, 0, 0],
  failed: 0,
  abandoned: 0,
  retried: 0,
  lastRequestAtMs: requests,
  longestMs: 0,
  latency: requests > 0 ? [7, requests] : [],
  latencySumMs: requests,
  bytesIn: requests,
  bytesOut: requests,
  ejected: false,
  ejections: 0,
});

const part = (...instances: InstanceCounts[]): TrafficReport => ({
  ...EMPTY_REPORT,
  whole: false,
  instances,
});
const ended = ({ answered, failed, abandoned }: InstanceCounts) =>
  answered.reduce((sum, n) => sum + n, 0) + failed + abandoned;

const event = (atMs: number): FailureEvent => ({
  ...{ atMs, service: 'web', version: 'v1', instance: 'a', group: null, percent: null, rule: null },
  ...{ routing: 1, session: null, kind: 'died', status: null },
});

test('whatever members say in whatever parts, and whoever dies, every request is counted once', () => {
  const step = fc.record({
    member: fc.constantFrom('w1', 'w2', 'w3'),
    instance: fc.constantFrom('a', 'b'),
    more: fc.nat(5),
    inFlight: fc.nat(3),
    does: fc.constantFrom('part', 'part', 'whole', 'dies'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const book = new ReportBook();
      const copy = new ReportBook();
      const live = new Map<string, Map<string, InstanceCounts>>();
      let buried = 0;
      let least = 0;
      for (const { member, instance, more, inFlight, does } of steps) {
        const mine = live.get(member) ?? new Map<string, InstanceCounts>();
        if (does === 'dies') {
          for (const { requests } of mine.values()) buried += requests;
          live.delete(member);
          book.bury(member);
        } else {
          live.set(member, mine);
          const before = mine.get(instance);
          const next = row(instance, (before ? ended(before) : 0) + more, inFlight);
          mine.set(instance, next);
          book.take(member, does === 'whole' ? { ...part(...mine.values()), whole: true } : part(next));
        }
        copy.take('book', book.changes());
        const whole = book.whole();
        const now = whole.instances.reduce((sum, each) => sum + ended(each), 0);
        assert.ok(now >= least, 'what has ended fell');
        least = now;
        const expected = [...live.values()].flatMap((rows) => [...rows.values()]);
        const requests = expected.reduce((sum, each) => sum + each.requests, buried);
        assert.equal(
          whole.instances.reduce((sum, each) => sum + each.requests, 0),
          requests,
        );
        assert.deepEqual(byId(copy.whole().instances), byId(whole.instances));
      }
    }),
  );
});

const byId = (rows: readonly InstanceCounts[]) =>
  Object.fromEntries(rows.map((each) => [each.instance, each]));

test('a merged histogram has the sum of each bucket', () => {
  const book = new ReportBook();
  book.take('w1', part({ ...row('a', 0), latency: [3, 1, 9, 2] }));
  book.take('w2', part({ ...row('a', 0), latency: [3, 4, 5, 1] }));
  assert.deepEqual(book.whole().instances[0]?.latency, [3, 5, 5, 1, 9, 2]);
});

test('a routing counts as reported once every member runs it', () => {
  const book = new ReportBook();
  book.take('w1', { ...part(), routing: 42, running: [{ routing: 41, requests: 2, streams: 0 }] });
  book.take('w2', { ...part(), routing: 41, running: [{ routing: 41, requests: 1, streams: 3 }] });
  assert.equal(book.whole().routing, 41);
  assert.deepEqual(book.whole().running, [{ routing: 41, requests: 3, streams: 3 }]);
});

test('an instance that was forgotten is gone from the whole, and the next one hears of it', () => {
  const book = new ReportBook();
  book.take('w1', part(row('a', 1), row('b', 1)));
  book.take('w1', { ...part(), forgotten: ['a'] });
  assert.deepEqual(
    book.whole().instances.map(({ instance }) => instance),
    ['b'],
  );
  assert.deepEqual(book.changes().forgotten, ['a']);
});

test('failures go out once and in order; of too many the oldest are counted', () => {
  const book = new ReportBook();
  book.take('w1', { ...part(), failures: [event(1)] });
  book.take('w2', { ...part(), failures: [event(2)], failuresMissed: 5 });
  const first = book.changes();
  assert.deepEqual([first.failures.map(({ atMs }) => atMs), first.failuresMissed], [[1, 2], 5]);
  const max = limits.gateway.failureEventsMax;
  book.take('w1', { ...part(), failures: Array.from({ length: max + 3 }, (_, at) => event(at)) });
  const second = book.changes();
  assert.deepEqual([second.failures.length, second.failures[0]?.atMs, second.failuresMissed], [max, 3, 3]);
  assert.deepEqual(book.changes().failures, []);
});
