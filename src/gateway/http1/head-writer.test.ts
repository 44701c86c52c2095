/** Hunts lines that are lost, doubled or passed on although they belong to one connection. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestIds } from '../ids.ts';
import { HeadWriter } from './head-writer.ts';
import { Peer } from './peer.ts';
import { RequestHead } from './request-head.ts';
import { ResponseHead } from './response-head.ts';

const writer = new HeadWriter();
const written = () => writer.bytes.toString('latin1', 0, writer.length);

function requestOf(
  text: string,
  { peer = '9.9.9.9', trusted = false, upgrade = false, secure = false, port = 0 } = {},
): string {
  const head = new RequestHead();
  const bytes = Buffer.from(text, 'latin1');
  assert.equal(head.scan(bytes, 0, bytes.length), 'complete');
  writer.request(bytes, head, { peer: new Peer(peer, secure, port), trusted, serial: SERIAL, upgrade });
  return written();
}

function responseOf(text: string, connection: 'silent' | 'close' | 'keep-alive', chunked = false): string {
  const head = new ResponseHead();
  const bytes = Buffer.from(text, 'latin1');
  assert.equal(head.scan(bytes, 0, bytes.length), 'complete');
  writer.response(bytes, head, { connection, chunked, cookie: null, hsts: null });
  return written();
}

const SERIAL = 7;
const ID = requestIds.text(SERIAL);
const ID_LINE = `X-Request-Id: ${ID}\r\n`;
const IDS = `${ID_LINE}traceparent: 00-${ID}-${ID.slice(16)}-01\r\n`;
const OURS =
  'X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Host: a\r\nX-Forwarded-Proto: http\r\n' +
  `Forwarded: for=9.9.9.9;proto=http;host="a"\r\n${IDS}Via: 1.1 segue\r\n`;
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
    'GET / HTTP/1.1\r\nHost: \r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: http\r\n' +
      `Forwarded: for=9.9.9.9;proto=http\r\n${IDS}Via: 1.0 segue\r\n${KEPT}\r\n`,
  );
});

test('a target with scheme and host becomes a path', () => {
  assert.match(requestOf('GET http://a HTTP/1.1\r\nHost: a\r\n\r\n'), /^GET \/ HTTP\/1.1\r\n/);
  assert.match(requestOf('GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n'), /^GET \/\?q HTTP\/1.1\r\n/);
  assert.match(requestOf('GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n'), /^GET \/b HTTP\/1.1\r\n/);
  assert.match(requestOf('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n'), /^OPTIONS \* HTTP\/1.1\r\n/);
});

test('an address of IPv6, a port and TLS are said as they are', () => {
  const request = requestOf('GET / HTTP/1.1\r\nHost: a:1\r\n\r\n', {
    ...{ peer: '2001:db8::1', secure: true, port: 8443 },
  });
  assert.equal(
    request,
    'GET / HTTP/1.1\r\nHost: a:1\r\nX-Forwarded-For: 2001:db8::1\r\nX-Forwarded-Host: a:1\r\n' +
      'X-Forwarded-Port: 8443\r\nX-Forwarded-Proto: https\r\n' +
      `Forwarded: for="[2001:db8::1]";proto=https;host="a:1"\r\n${IDS}Via: 1.1 segue\r\n${KEPT}\r\n`,
  );
});

test('the lines that are kept for a connection are those of the host asked for', () => {
  const peer = new Peer('9.9.9.9');
  for (const host of ['a', 'b', 'bb', 'b', 'a']) {
    const head = new RequestHead();
    const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 'latin1');
    head.scan(bytes, 0, bytes.length);
    writer.request(bytes, head, { peer, trusted: false, serial: SERIAL, upgrade: false });
    assert.match(written(), new RegExp(`X-Forwarded-Host: ${host}\r\n[^]*;host="${host}"\r\n`));
  }
});

const SAYING =
  'X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nx-forwarded-for: 2.2.2.2\r\n' +
  'X-FORWARDED-HOST: outside\r\nX-Forwarded-Port: 99\r\nX-Forwarded-Prefix: /p\r\nX-Forwarded-By: x\r\n' +
  'Forwarded: for=1.1.1.1;proto=https\r\nX-Request-Id: their-own-id\r\n';

test('what a client says about others is dropped, whatever it is called', () => {
  assert.equal(
    requestOf(`GET / HTTP/1.1\r\nHost: a\r\n${SAYING}\r\n`),
    `GET / HTTP/1.1\r\nHost: a\r\n${OURS}${KEPT}\r\n`,
  );
});

test('what a trusted proxy says stays, and ours is joined', () => {
  assert.equal(
    requestOf(`GET / HTTP/1.1\r\nHost: a\r\n${SAYING}\r\n`, { trusted: true, port: 80 }),
    'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\nX-FORWARDED-HOST: outside\r\n' +
      'X-Forwarded-Port: 99\r\nX-Forwarded-Prefix: /p\r\nX-Forwarded-By: x\r\nX-Request-Id: their-own-id\r\n' +
      'X-Forwarded-For: 1.1.1.1, 2.2.2.2, 9.9.9.9\r\n' +
      'Forwarded: for=1.1.1.1;proto=https, for=9.9.9.9;proto=http;host="a"\r\n' +
      `${IDS.slice(ID_LINE.length)}Via: 1.1 segue\r\n${KEPT}\r\n`,
  );
});

test('what Connection names is dropped and ours stands all the same, trusted or not', () => {
  const text =
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Forwarded-For, x-forwarded-proto, forwarded, X-Forwarded-Host, ' +
    `X-Forwarded-Port, X-Forwarded-Prefix, X-Forwarded-By, X-Request-Id\r\n${SAYING}\r\n`;
  for (const trusted of [false, true])
    assert.equal(requestOf(text, { trusted }), `GET / HTTP/1.1\r\nHost: a\r\n${OURS}${KEPT}\r\n`);
});

test('an id that is no id, or one of two, is not kept', () => {
  for (const lines of [
    'X-Request-Id: <script>',
    'X-Request-Id: ',
    `X-Request-Id: ${'x'.repeat(129)}`,
    'X-Request-Id: abcdefgh\r\nx-request-id: abcdefgi',
  ])
    assert.equal(
      requestOf(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n`, { trusted: true }),
      `GET / HTTP/1.1\r\nHost: a\r\n${OURS}${KEPT}\r\n`,
    );
});

test('a trace goes on whoever began it; one that is no trace is begun anew, and its state is dropped', () => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7';
  const of = (traceparent: string) =>
    requestOf(
      `GET / HTTP/1.1\r\nHost: a\r\ntraceparent: ${traceparent}\r\ntracestate: a=1\r\nTraceState: b=2\r\n\r\n`,
    );
  for (const good of [`00-${trace}-00`, `00-${trace}-01`, `01-${trace}-01-more`]) {
    const request = of(good);
    assert.match(request, new RegExp(`traceparent: ${good}\r\ntracestate: a=1\r\nTraceState: b=2\r\n`));
    assert.equal(request.match(/traceparent/gi)?.length, 1);
  }
  const zeros = '0'.repeat(32);
  for (const bad of [
    `ff-${trace}-01`,
    `00-${trace}-01-more`,
    `00-${trace.toUpperCase()}-01`,
    `00-${zeros}-00f067aa0ba902b7-01`,
    `00-4bf92f3577b34da6a3ce929d0e0e4736-${zeros.slice(16)}-01`,
    `00-${trace}-01\r\ntraceparent: 00-${trace}-01`,
    '',
  ])
    assert.equal(of(bad), `GET / HTTP/1.1\r\nHost: a\r\n${OURS}${KEPT}\r\n`, bad);
});

test('the largest head there can be has room for what is added', () => {
  const host = 'h'.repeat(32_000);
  const request = requestOf(`GET / HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-For: ::1\r\n\r\n`, {
    trusted: true,
  });
  assert.equal(request.match(/h{32000}/g)?.length, 3);
  assert.ok(request.endsWith(`${KEPT}\r\n`));
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
