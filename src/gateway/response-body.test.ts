/** Hunts a response whose end the client sees elsewhere than the instance meant it, or not at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventCut } from './event-stream.ts';
import { type BodyOptions, ResponseBody } from './response-body.ts';

const ROOM = 32;

/** What the client gets of these reads, one after the other. */
function sent(body: ResponseBody, reads: readonly string[]): string {
  let text = '';
  for (const read of reads) {
    const bytes = Buffer.alloc(read.length + 2 * ROOM);
    bytes.write(read, ROOM, 'latin1');
    assert.ok(body.pass(bytes, ROOM, ROOM + read.length));
    text += bytes.toString('latin1', body.sentFrom, body.sentTo);
  }
  return text;
}

const bodyOf = (options: Partial<BodyOptions>) =>
  new ResponseBody({ framing: 'close', length: -1, minor: 1, events: undefined, digest: null, ...options });

test('a length is kept to, and what follows it spoils the connection', () => {
  const exact = bodyOf({ framing: 'length', length: 5 });
  assert.equal(sent(exact, ['he', 'llo']), 'hello');
  assert.deepEqual([exact.done, exact.spoiled, exact.keepsClient], [true, false, true]);
  const more = bodyOf({ framing: 'length', length: 5 });
  assert.equal(sent(more, ['hello!']), 'hello');
  assert.deepEqual([more.done, more.spoiled], [true, true]);
  const none = bodyOf({ framing: 'none' });
  assert.equal(sent(none, ['x']), '');
  assert.equal(none.spoiled, true);
});

test('a body that ends with its connection is put into chunks', () => {
  const body = bodyOf({});
  assert.deepEqual([body.chunked, body.keepsClient], [true, true]);
  assert.equal(sent(body, ['hello', 'x'.repeat(16)]), `5\r\nhello\r\n10\r\n${'x'.repeat(16)}\r\n`);
  assert.equal(body.end()?.toString(), '0\r\n\r\n');
});

test('for HTTP/1.0 it stays one, and chunks become one', () => {
  const open = bodyOf({ minor: 0 });
  assert.deepEqual([open.chunked, open.keepsClient], [false, false]);
  assert.equal(sent(open, ['hello']), 'hello');
  assert.equal(open.end()?.length, 0);
  const chunked = bodyOf({ framing: 'chunked', minor: 0 });
  assert.equal(sent(chunked, ['5\r\nhel', 'lo\r\n0\r\n', '\r\n']), 'hello');
  assert.deepEqual([chunked.done, chunked.chunked, chunked.keepsClient], [true, false, false]);
});

test('chunks stay chunks, and an end before the last one is no end', () => {
  const body = bodyOf({ framing: 'chunked' });
  assert.equal(sent(body, ['5;a=b\r\nhello\r\n']), '5\r\nhello\r\n');
  assert.equal(body.end(), undefined);
  assert.equal(sent(body, ['0\r\nX: y\r\n\r\nmore']), '0\r\nX: y\r\n\r\n');
  assert.deepEqual([body.done, body.spoiled], [true, true]);
});

test('a stream of events is cut after a whole one and made a whole response', () => {
  const events = new EventCut();
  const body = bodyOf({ framing: 'chunked', events });
  assert.equal(sent(body, ['9\r\ndata: a\n\n\r\n4\r\ndata\r\n']), 'd\r\ndata: a\n\ndata\r\n');
  assert.equal(events.tell(), false);
  assert.equal(sent(body, ['a\r\n: b\n\ndata:\r\n']), '5\r\n: b\n\n\r\n0\r\n\r\n');
  assert.deepEqual([body.done, body.spoiled], [true, true]);
});
