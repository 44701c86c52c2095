/** Hunts a head that is found in the wrong place, at the wrong length, or taken although two readers differ (T6). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../core/limits.ts';
import { FIELD } from './field.ts';
import { METHOD } from './method.ts';
import { RequestHead } from './request-head.ts';

const bytesOf = (text: string) => Buffer.from(text, 'latin1');
const scanOf = (text: string) => new RequestHead().scan(bytesOf(text), 0, text.length);
function scanned(bytes: Buffer): RequestHead {
  const head = new RequestHead();
  assert.equal(head.scan(bytes, 0, bytes.length), 'complete');
  return head;
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n';

test('what was found: method, path, host, framing, options', () => {
  const text =
    '\r\nPOST http://Shop.test:80/a/b?c HTTP/1.1\r\nhOsT:\t shop.TEST:80 \r\nContent-Length: 12\r\n' +
    'Connection: Keep-Alive, x-hop ,Upgrade\r\nX-Hop: 1\r\nX-Hopper: 2\r\n\r\nbody';
  const bytes = bytesOf(text);
  const head = new RequestHead();
  assert.equal(head.scan(bytes, 0, bytes.length), 'complete');
  assert.equal(head.method, METHOD.post);
  assert.equal(text.slice(head.pathFrom, head.pathTo), '/a/b?c');
  assert.equal(text.slice(head.hostFrom, head.hostTo), 'shop.TEST:80');
  assert.equal(text.slice(head.end), 'body');
  const { contentLength, chunked, close, keepAlive, upgrade, count, kinds } = head.fields;
  assert.deepEqual(
    { contentLength, chunked, close, keepAlive, upgrade },
    { contentLength: 12, chunked: false, close: false, keepAlive: true, upgrade: true },
  );
  assert.deepEqual(
    [...kinds.subarray(0, count)],
    [FIELD.host, FIELD.contentLength, FIELD.connection, FIELD.named, FIELD.other],
  );
});

test('Upgrade is what it is, whatever else Connection names', () => {
  const text = `${GET}Upgrade: websocket\r\nConnection: X-Hop, Upgrade\r\nX-Hop: 1\r\n\r\n`;
  const bytes = bytesOf(text);
  const { fields } = scanned(bytes);
  assert.ok(fields.upgrade && fields.seek(bytes, FIELD.upgrade) >= 0);
  assert.equal(text.slice(fields.valueFrom, fields.valueTo), 'websocket');
  assert.equal(fields.kinds[3], FIELD.named);
});

test('as many names in Connection as a head has room for cost no more than other bytes', () => {
  const lines = 'a: \r\n'.repeat(limits.gateway.headFieldsMax - 2);
  const list = 'b,'.repeat((limits.gateway.headBytesMax - lines.length - 100) / 2);
  const timeOf = (name: string) => {
    const bytes = bytesOf(`${GET}${lines}${name}: ${list}\r\n\r\n`);
    const head = new RequestHead();
    const beganMs = performance.now();
    for (let turn = 0; turn < 10; turn += 1) assert.equal(head.scan(bytes, 0, bytes.length), 'complete');
    return performance.now() - beganMs;
  };
  // Each name held against each line would take ten times as long.
  const timesMs = Array.from({ length: 5 }, () => timeOf('Connection'));
  assert.ok(Math.min(...timesMs) < 150, `${Math.min(...timesMs)} ms`);
});

test('every beginning of a head is incomplete, and nothing of an earlier scan is left', () => {
  const text = `${GET}Content-Length: 0\r\nX: y\r\n\r\n`;
  const bytes = bytesOf(text);
  const head = new RequestHead();
  for (let size = 0; size < text.length; size += 1) {
    assert.equal(head.scan(bytes, 0, size), 'incomplete', JSON.stringify(text.slice(0, size)));
  }
  assert.equal(head.scan(bytes, 0, bytes.length), 'complete');
  const next = bytesOf('GET / HTTP/1.0\r\n\r\n');
  assert.equal(head.scan(next, 0, next.length), 'complete');
  assert.deepEqual([head.fields.contentLength, head.fields.hosts, head.hostTo, head.minor], [-1, 0, 0, 0]);
});

test('a byte that belongs nowhere is refused wherever it is', () => {
  for (const bad of ['\0', '\n', '\x7f', '\x0b', '\x1b']) {
    for (let at = 0; at < GET.length; at += 1) {
      const text = `${GET.slice(0, at)}${bad}${GET.slice(at)}\r\n`;
      assert.notEqual(scanOf(text), 'complete', JSON.stringify(text));
    }
  }
});

const refusals: readonly (readonly [string, string])[] = [
  [`${GET}Content-Length: 1\r\nContent-Length: 1\r\n\r\n`, 'malformed'],
  [`${GET}Content-Length: 01\r\n\r\n`, 'malformed'],
  [`${GET}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, 'malformed'],
  [`${GET}Content_Length: 1\r\n\r\n`, 'malformed'],
  [`${GET}Transfer-Encoding: gzip, chunked\r\n\r\n`, 'coding-unknown'],
  [`${GET}Host: a\r\n\r\n`, 'not-clear'],
  ['GET / HTTP/1.1\r\n\r\n', 'not-clear'],
  ['GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 'not-clear'],
  ['GET / HTTP/1.1\r\nHost: [::1\r\n\r\n', 'not-clear'],
  ['GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n', 'not-clear'],
  ['GET * HTTP/1.1\r\nHost: a\r\n\r\n', 'malformed'],
  ['GET / HTTP/2.0\r\nHost: a\r\n\r\n', 'version-unknown'],
  ['MKCOLA / HTTP/1.1\r\nHost: a\r\n\r\n', 'method-unknown'],
  ['G'.repeat(limits.gateway.methodBytesMax + 1), 'method-unknown'],
  [`GET /${'a'.repeat(limits.gateway.targetBytesMax)}`, 'target-too-long'],
  [`${GET}${'X: y\r\n'.repeat(limits.gateway.headFieldsMax)}\r\n`, 'head-too-large'],
];

for (const [text, refusal] of refusals) {
  test(`${JSON.stringify(text.slice(0, 70))}: ${refusal}`, () => assert.equal(scanOf(text), refusal));
}

for (const host of ['', 'a', 'a:', 'a:80', '[::1]', '[::1]:80', '127.0.0.1', "a-._~%!$&'()*+,;=b"]) {
  test(`the host "${host}" is taken`, () => {
    assert.equal(scanOf(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`), 'complete');
  });
}
