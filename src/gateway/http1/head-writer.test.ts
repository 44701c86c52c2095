/** Hunts lines that are lost, doubled or passed on although they belong to one connection. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeadWriter, Peer } from './head-writer.ts';
import { RequestHead } from './request-head.ts';
import { ResponseHead } from './response-head.ts';

const writer = new HeadWriter();
const written = () => writer.bytes.toString('latin1', 0, writer.length);

function requestOf(text: string, { peer = '9.9.9.9', upgrade = false } = {}): string {
  const head = new RequestHead();
  const bytes = Buffer.from(text, 'latin1');
  assert.equal(head.scan(bytes, 0, bytes.length), 'complete');
  writer.request(bytes, head, { peer: new Peer(peer), upgrade });
  return written();
}

function responseOf(text: string, connection: 'silent' | 'close' | 'keep-alive', chunked = false): string {
  const head = new ResponseHead();
  const bytes = Buffer.from(text, 'latin1');
  assert.equal(head.scan(bytes, 0, bytes.length), 'complete');
  writer.response(bytes, head, { connection, chunked, cookie: null });
  return written();
}

const OURS =
  'X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\nVia: 1.1 segue\r\n';
const KEPT = 'Connection: keep-alive\r\n';

test('lines at the beginning, in the middle and at the end are left out, all others stay as they are', () => {
  assert.equal(
    requestOf(
      'GET /x HTTP/1.1\r\nTE: a\r\nHOST: a\r\nX-One:1\r\nKeep-Alive: x\r\nProxy-Connection: y\r\nx-two:  2 \r\n' +
        'Connection: x-three, host, cookie\r\nX-Three: 3\r\nCookie: c\r\nUpgrade: h2c\r\n\r\n',
    ),
    `GET /x HTTP/1.1\r\nHOST: a\r\nX-One:1\r\nx-two:  2 \r\nCookie: c\r\n${OURS}${KEPT}\r\n`,
  );
});

test('a head of nothing but what is left out', () => {
  assert.equal(
    requestOf('GET / HTTP/1.0\r\nTE: a\r\n\r\n'),
    'GET / HTTP/1.1\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: \r\n' +
      `Via: 1.0 segue\r\n${KEPT}\r\n`,
  );
});

test('a target with scheme and host becomes a path', () => {
  assert.match(requestOf('GET http://a HTTP/1.1\r\nHost: a\r\n\r\n'), /^GET \/ HTTP\/1.1\r\n/);
  assert.match(requestOf('GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n'), /^GET \/\?q HTTP\/1.1\r\n/);
  assert.match(requestOf('GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n'), /^GET \/b HTTP\/1.1\r\n/);
  assert.match(requestOf('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n'), /^OPTIONS \* HTTP\/1.1\r\n/);
});

test('what others say about the client is joined, and believed only from this machine', () => {
  const text =
    'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\n' +
    'X-Forwarded-For: 2.2.2.2\r\nX-Forwarded-Host: outside\r\n\r\n';
  const joined = 'X-Forwarded-For: 1.1.1.1, 2.2.2.2, 9.9.9.9\r\n';
  assert.equal(
    requestOf(text),
    `GET / HTTP/1.1\r\nHost: a\r\n${joined}X-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\nVia: 1.1 segue\r\n${KEPT}\r\n`,
  );
  assert.equal(
    requestOf(text, { peer: '127.0.0.1' }),
    `GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: outside\r\n${joined.replace('9.9.9.9', '127.0.0.1')}Via: 1.1 segue\r\n${KEPT}\r\n`,
  );
});

test('framing is said anew, once', () => {
  assert.match(requestOf('POST / HTTP/1.1\r\nHost: a\r\n\r\n'), /Content-Length: 0\r\n\r\n$/);
  const chunked = requestOf('POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: CHUNKED \r\n\r\n');
  assert.match(chunked, /\r\nTransfer-Encoding: chunked\r\n\r\n$/);
  assert.doesNotMatch(chunked, /CHUNKED|Content-Length/);
});

test('an upgrade is asked for only if it may be', () => {
  const text = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';
  assert.match(requestOf(text, { upgrade: true }), /Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n$/);
  assert.doesNotMatch(requestOf(text), /websocket/);
});

test('responses: version, connection and framing are ours, the rest is the instance s', () => {
  assert.equal(
    responseOf('HTTP/1.0 200 Fine\r\nConnection: x\r\nX: 1\r\nA: b\r\n\r\n', 'close', true),
    'HTTP/1.1 200 Fine\r\nA: b\r\nVia: 1.0 segue\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n',
  );
  assert.equal(
    responseOf('HTTP/1.1 204\r\nContent-Length: 0\r\nKeep-Alive: timeout=5\r\n\r\n', 'keep-alive'),
    'HTTP/1.1 204 \r\nVia: 1.1 segue\r\nConnection: keep-alive\r\n\r\n',
  );
});
