/** Hunts a copy that changes with the buffer it came in, one that has no bound, and one that is given twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestBody } from './request-body.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

function copyOf(body: RequestBody, bytesMax: number): (string | undefined)[] {
  const copies: (string | undefined)[] = [];
  body.copyTo(bytesMax, (copy) => copies.push(copy?.toString()));
  return copies;
}

test('what came before and what comes after, with its framing, once', () => {
  const body = new RequestBody('chunked');
  const scratch = bytes('3\r\nabc\r\n');
  body.take(scratch, 0, scratch.length);
  const copies = copyOf(body, 100);
  body.attach({ flushed: true, send: () => true });
  scratch.write('2\r\nde\r\n0');
  body.take(scratch, 0, 7);
  scratch.write('0\r\n\r\n');
  assert.deepEqual(copies, []);
  body.take(scratch, 0, 5);
  assert.deepEqual(copies, ['3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n']);
});

test('one that is whole already, and one that is as long as it may be', () => {
  const body = new RequestBody(3);
  body.take(bytes('abc'), 0, 3);
  assert.deepEqual(copyOf(body, 3), ['abc']);
  assert.deepEqual(copyOf(body, 2), [undefined]);
});

test('nothing, as soon as it is too long', () => {
  const body = new RequestBody(10);
  body.take(bytes('ab'), 0, 2);
  const copies = copyOf(body, 3);
  body.take(bytes('cd'), 0, 2);
  body.take(bytes('efghij'), 0, 6);
  assert.deepEqual(copies, [undefined]);
});
