/** Hunts a request that is counted twice or not at all (T5). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Ending, Tally } from './tally.ts';

const of = { service: 's', instance: 'i', version: 'v' };

const ending: fc.Arbitrary<Ending> = fc.oneof(
  fc.constantFrom(200, 302, 404, 500, 999).map((status): Ending => ({ type: 'answered', status })),
  fc.constantFrom('failed', 'abandoned', 'retried').map((type): Ending => ({ type })),
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
      const tally = new Tally(() => (idle += 1));
      const tickets = lives.map((each) => ({ ...each, ticket: tally.begin() }));
      assert.equal(tally.inFlight, lives.length);
      for (const { becomes, ticket } of tickets) {
        if (becomes === 'stream') ticket.becomeStream();
        if (becomes === 'upgraded') ticket.becomeUpgraded();
      }
      for (const { first, second, ticket } of tickets) {
        ticket.end(first);
        ticket.end(second);
      }
      const counts = tally.counts(of);
      const answered = counts.answered.reduce((a, b) => a + b, 0);
      assert.equal(counts.requests, answered + counts.failed + counts.abandoned);
      assert.equal(counts.requests + counts.retried, lives.length);
      assert.equal(counts.inFlight + counts.streams, 0);
      assert.equal(idle, lives.length > 0 ? 1 : 0);
    }),
  );
});
