/** Hunts a response that says in HTTP/1.1 what it did not say in HTTP/2. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { responseText } from './response-text.ts';

const textOf = (fields: readonly string[], body: Parameters<typeof responseText>[1]) =>
  responseText(fields, body)?.bytes.toString('latin1');

test('an end says how long the body is; HEAD does not, unless the instance did', () => {
  const ok = [':status', '200', 'x', 'y'];
  assert.equal(textOf(ok, 'none'), 'HTTP/1.1 200 \r\nx: y\r\ncontent-length: 0\r\n\r\n');
  assert.equal(textOf(ok, 'head'), 'HTTP/1.1 200 \r\nx: y\r\n\r\n');
  const known = [...ok, 'content-length', '77'];
  assert.equal(textOf(known, 'head'), 'HTTP/1.1 200 \r\nx: y\r\ncontent-length: 77\r\n\r\n');
  assert.equal(textOf(ok, 'body'), 'HTTP/1.1 200 \r\nx: y\r\ntransfer-encoding: chunked\r\n\r\n');
  assert.equal(textOf([':status', '304'], 'none'), 'HTTP/1.1 304 \r\n\r\n');
  assert.equal(textOf([':status', '103', 'link', 'a\nb'], 'interim'), undefined);
});
