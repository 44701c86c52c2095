/** Hunts a pair that is counted twice or half, in whatever order its sides end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Eras } from './eras.ts';
import { FailureRing } from './failure-ring.ts';
import { ServiceTally } from './service-tally.ts';
import { ShadowPair } from './shadow-pair.ts';
import { ShadowTally } from './shadow-tally.ts';
import { Tally } from './tally.ts';

const status = fc.constantFrom(200, 204, 404, 500, 503, null);
const side = fc.constantFrom('original', 'copy');
const event = fc.oneof(
  fc.record({ type: fc.constant('ended'), side, status }),
  fc.record({ type: fc.constant('forget') }),
);

test('the first end of each side counts, once both are there and nothing was forgotten before', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 8 }), fc.boolean(), (events, bodies) => {
      const tally = new ShadowTally('web', 'v2');
      const pair = new ShadowPair(tally, bodies);
      const first = new Map<string, number | null>();
      let forgotten = false;
      for (const each of events) {
        if (each.type === 'forget') {
          forgotten ||= first.size < 2;
          pair.forget();
        } else if ('side' in each) {
          if (!forgotten && !first.has(each.side)) first.set(each.side, each.status);
          pair.ended(each.side, each.status, 1);
        }
      }
      const whole = first.size === 2;
      const isError = (one: number | null | undefined) => whole && (one === null || (one ?? 0) >= 500);
      const { compared, copyErrors, originalErrors, otherStatus, otherBody } = tally.counts();
      assert.deepEqual(
        { compared, copyErrors, originalErrors, otherStatus, otherBody },
        {
          compared: Number(whole),
          copyErrors: Number(isError(first.get('copy'))),
          originalErrors: Number(isError(first.get('original'))),
          otherStatus: Number(whole && first.get('copy') !== first.get('original')),
          otherBody: 0,
        },
      );
    }),
  );
});

test('what becomes of the original is told by its ticket, unless it was tried again or became a stream', () => {
  const tally = new ShadowTally('web', 'v2');
  const service = new ServiceTally('web', new FailureRing());
  const row = service.row({ version: 'v1', group: null, percent: null, rule: null });
  const eras = new Eras();
  const begin = () => {
    const ticket = new Tally('i', () => undefined).begin(eras.current, row);
    ticket.pair = new ShadowPair(tally, false);
    ticket.pair.ended('copy', 200, 1);
    return ticket;
  };
  begin().answered(200, 5);
  begin().end({ type: 'failed', kind: 'died' });
  begin().end({ type: 'abandoned' });
  begin().end({ type: 'retried' });
  const stream = begin();
  stream.becomeStream();
  stream.end({ type: 'failed', kind: 'cut' });
  const { compared, originalErrors } = tally.counts();
  assert.deepEqual([compared, originalErrors], [2, 1]);
});

test('bodies differ by their data, and slower is what took twice as long and noticeably so', () => {
  const tally = new ShadowTally('web', 'v2');
  const pairOf = (original: string, copy: readonly string[], times: readonly [number, number]) => {
    const pair = new ShadowPair(tally, true);
    pair.digests?.original.add(Buffer.from(original));
    for (const part of copy) pair.digests?.copy.add(Buffer.from(part));
    pair.ended('copy', 200, times[1]);
    pair.ended('original', 200, times[0]);
  };
  pairOf('same', ['sa', 'me'], [1, 5]);
  pairOf('same', ['other'], [1, 7]);
  pairOf('', [], [100, 199]);
  pairOf('', [], [100, 201]);
  const { compared, otherBody, slower } = tally.counts();
  assert.deepEqual({ compared, otherBody, slower }, { compared: 4, otherBody: 1, slower: 2 });
});
