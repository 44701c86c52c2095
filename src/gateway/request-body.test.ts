/** Hunts a body that is kept without bound, passed on in another order, or ends in the next request. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../core/limits.ts';
import { RequestBody } from './request-body.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

test('what came before an instance was found goes first, and the next request stays', () => {
  const body = new RequestBody(8);
  assert.equal(body.take(bytes('GET /abc'), 5, 8), 8);
  let got = '';
  body.attach({
    flushed: true,
    send: (part) => {
      got += part.toString();
      return true;
    },
  });
  assert.equal(body.take(bytes('defghNEXT'), 0, 9), 5);
  assert.equal(got, 'abcdefgh');
  assert.ok(body.complete);
});

test('a small beginning may leave with the head, and only once', () => {
  const body = new RequestBody('chunked');
  const text = '3\r\nabc\r\n';
  body.take(bytes(text), 0, text.length);
  assert.equal(body.takeWithHead()?.toString(), text);
  assert.equal(body.takeWithHead(), undefined);
  const large = new RequestBody(limits.gateway.bodyWithHeadBytesMax + 1);
  large.take(
    Buffer.alloc(limits.gateway.bodyWithHeadBytesMax + 1),
    0,
    limits.gateway.bodyWithHeadBytesMax + 1,
  );
  assert.equal(large.takeWithHead(), undefined);
});

test('it is full at its limit until somebody takes it, and says when that one is behind', () => {
  const size = limits.gateway.bodyBacklogBytesMax;
  const body = new RequestBody(size + 10);
  body.take(Buffer.alloc(size), 0, size);
  assert.ok(body.full);
  body.attach({ flushed: false, send: () => false });
  assert.ok(!body.full && body.blocked);
  body.discard();
  body.take(Buffer.alloc(10), 0, 10);
  assert.ok(body.complete && !body.blocked);
});

test('what was sent is given back when it has left, and let go where nobody can tell', () => {
  const waiting = (flushed: boolean | null) => {
    const body = new RequestBody(8);
    body.attach({ flushed, send: () => true });
    const part = bytes('abcdefgh');
    body.take(part, 0, 8);
    body.own(part);
    return body.ownedParts;
  };
  assert.deepEqual([true, false, null].map(waiting), [0, 1, 0]);
});

test('a malformed chunk is seen', () => {
  assert.equal(new RequestBody('chunked').take(bytes('x\r\n'), 0, 3), undefined);
});
