/** Hunts a response that is framed in another way than the client will read it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { framingOf } from './framing.ts';
import { METHOD } from './method.ts';
import { ResponseHead } from './response-head.ts';

function scan(text: string): { head: ResponseHead; bytes: Buffer; scan: string } {
  const head = new ResponseHead();
  const bytes = Buffer.from(text, 'latin1');
  return { head, bytes, scan: head.scan(bytes, 0, bytes.length) };
}

const framings: readonly (readonly [string, number, string])[] = [
  ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n', METHOD.get, 'length'],
  ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n', METHOD.head, 'none'],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', METHOD.get, 'chunked'],
  ['HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n', METHOD.get, 'none'],
  ['HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n', METHOD.get, 'none'],
  ['HTTP/1.0 200\r\n\r\n', METHOD.get, 'close'],
];

for (const [text, method, framing] of framings) {
  test(`${JSON.stringify(text)} is framed by ${framing}`, () => {
    const { head, scan: scanned } = scan(text);
    assert.equal(scanned, 'complete');
    assert.equal(framingOf(head, method), framing);
  });
}

for (const text of [
  'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n',
  'HTTP/1.1 99 OK\r\n\r\n',
  'HTTP/1.1 2000 OK\r\n\r\n',
  'HTTP/1.1 200 OK\nX: y\r\n\r\n',
  'HTTP/1.1 200 O\0K\r\n\r\n',
  'HTTP/2.0 200 OK\r\n\r\n',
  'ICY 200 OK\r\n\r\n',
]) {
  test(`${JSON.stringify(text)} is not believed`, () => assert.equal(scan(text).scan, 'malformed'));
}

test('every beginning is incomplete', () => {
  const text = '\r\nHTTP/1.1 200 OK\r\nX: y\r\n\r\n';
  for (let size = 0; size < text.length; size += 1)
    assert.equal(scan(text.slice(0, size)).scan, 'incomplete');
});

for (const [value, limitS] of [
  ['timeout=5', 5],
  ['max=10, timeout=2', 2],
  ['timeout=x', undefined],
  ['mytimeout=5', undefined],
] as const) {
  test(`Keep-Alive: ${value} means ${limitS}`, () => {
    const { head, bytes } = scan(`HTTP/1.1 200 OK\r\nKeep-Alive: ${value}\r\n\r\n`);
    assert.equal(head.idleLimitS(bytes), limitS);
  });
}
