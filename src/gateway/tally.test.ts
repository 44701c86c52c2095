/** Hunts a request that is counted twice or not at all (T5). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../core/limits.ts';
import { Eras } from './eras.ts';
import { FailureRing } from './failure-ring.ts';
import { ServiceTally } from './service-tally.ts';
import { type Ending, Tally } from './tally.ts';

const of = { service: 's', version: 'v' };
const WELL = { ejected: false, ejections: 0 };

const ending: fc.Arbitrary<Ending> = fc.oneof(
  fc.constantFrom(200, 302, 404, 500, 999).map((status): Ending => ({ type: 'answered', status })),
  fc.constantFrom('abandoned', 'retried').map((type): Ending => ({ type })),
  fc.constant<Ending>({ type: 'failed', kind: 'died' }),
);

test('every request ends in exactly one count, whatever is said about it twice', () => {
  const life = fc.record({
    becomes: fc.constantFrom('request', 'stream', 'upgraded'),
    first: ending,
    second: ending,
  });
  fc.assert(
    fc.property(fc.array(life, { maxLength: 20 }), (lives) => {
      let idle = 0;
      const tally = new Tally('i', () => (idle += 1));
      const service = new ServiceTally('s', new FailureRing());
      const eras = new Eras();
      const row = service.row({ version: 'v', group: null, percent: null, rule: null });
      const begin = () => tally.begin(eras.current, row);
      const tickets = lives.map((each) => ({ ...each, ticket: begin() }));
      assert.equal(eras.current.requests, lives.length);
      eras.begin(2);
      assert.equal(tally.inFlight, lives.length);
      for (const { becomes, ticket } of tickets) {
        if (becomes === 'stream') ticket.becomeStream();
        if (becomes === 'upgraded') ticket.becomeUpgraded();
      }
      for (const { first, second, ticket } of tickets) {
        ticket.end(first);
        ticket.end(second);
      }
      const counts = tally.counts({ ...of, ...WELL });
      const answered = counts.answered.reduce((a, b) => a + b, 0);
      assert.equal(counts.requests, answered + counts.failed + counts.abandoned);
      assert.equal(counts.requests + counts.retried, lives.length);
      assert.equal(counts.inFlight + counts.streams, 0);
      assert.equal(idle, lives.length > 0 ? 1 : 0);
      // Each of the three books says the same.
      const { latency, latencySumMs, failed, abandoned, retried } = counts;
      const ended = { answered: counts.answered, failed, abandoned, retried };
      const weight = { group: null, percent: null, rule: null, decisions: 0 };
      const assigned = { ...of, ...weight, ...ended, latency, latencySumMs };
      assert.deepEqual(service.assigned(), [assigned]);
      const totals = service.counts();
      assert.deepEqual(totals, {
        service: 's',
        heldTotal: 0,
        holding: 0,
        refused: 0,
        turnedAway: 0,
        shadowed: 0,
        shadowsDropped: 0,
        ...ended,
      });
      assert.deepEqual(eras.running(), []);
    }),
  );
});

test('a request is told apart by the routing that gave it its instance, until it ends (T1)', () => {
  const tally = new Tally('i', () => undefined);
  const row = new ServiceTally('s', new FailureRing()).row({
    version: 'v',
    group: null,
    percent: null,
    rule: null,
  });
  const eras = new Eras();
  const begin = () => tally.begin(eras.current, row);
  eras.begin(41);
  const [request, socket] = [begin(), begin()];
  socket.becomeUpgraded();
  eras.begin(42);
  const next = begin();
  const old = { routing: 41, requests: 1, streams: 1 };
  assert.deepEqual(eras.running(), [old, { routing: 42, requests: 1, streams: 0 }]);
  request.answered(200, request.beganMs);
  next.end({ type: 'abandoned' });
  assert.deepEqual(eras.running(), [{ routing: 41, requests: 0, streams: 1 }]);
  socket.end({ type: 'answered', status: 200 });
  assert.deepEqual(eras.running(), []);
});

test('each failure is told with the weight under which it was assigned; of too many the oldest are counted', () => {
  const ring = new FailureRing();
  const tally = new Tally('i', () => undefined);
  const row = new ServiceTally('s', ring).row({
    version: 'v2',
    group: 'candidate',
    percent: 5,
    rule: 'half',
  });
  const begin = () => tally.begin(new Eras().current, row);
  begin().end({ type: 'answered', status: 503 });
  begin().end({ type: 'failed', kind: 'cut' });
  begin().end({ type: 'answered', status: 404 });
  begin().end({ type: 'abandoned' });
  const { events, missed } = ring.take();
  const common = {
    atMs: 0,
    service: 's',
    version: 'v2',
    instance: 'i',
    group: 'candidate',
    percent: 5,
    rule: 'half',
    routing: 0,
  };
  assert.deepEqual(
    events.map((event) => ({ ...event, atMs: 0 })),
    [
      { ...common, session: null, kind: 'status', status: 503 },
      { ...common, session: null, kind: 'cut', status: null },
    ],
  );
  assert.equal(missed, 0);
  const many = limits.gateway.failureEventsMax + 2;
  for (let at = 0; at < many; at += 1) begin().end({ type: 'answered', status: at === 2 ? 599 : 500 });
  const second = ring.take();
  assert.deepEqual([second.events.length, second.missed], [limits.gateway.failureEventsMax, 2]);
  assert.equal(second.events[0]?.status, 599);
});

test('no total of a service falls when there are too many weights to keep apart', () => {
  const service = new ServiceTally('s', new FailureRing());
  const weights = limits.gateway.assignedRowsMax + 10;
  for (let at = 0; at < weights; at += 1)
    service.row({ version: `v${at}`, group: 'candidate', percent: 5, rule: null }).answered(200);
  assert.equal(service.assigned().length, limits.gateway.assignedRowsMax);
  assert.equal(service.counts().answered[0], weights);
});
