/**
 * Hunts what HTTP/1.1 says and Node's HTTP/2 throws at: fields said twice, fields of the other protocol, a status
 * that there is not, a stream that its client gave up. Nothing of it may leave a request under way for ever, or be
 * tried again and again.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import http2, { type ClientHttp2Session } from 'node:http2';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { eventually } from '../contract/eventually.ts';
import { portOf } from '../contract/some-port.ts';
import { GATEWAY_LOG } from '../../src/wire/paths.ts';
import { backendOf, type Harness, RawClient, startGateway, startRaw } from './gateway-harness.ts';
import { FLAG, FRAME, frame, FrameClient, requestFields, uint32 } from './http2-frames.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const TWICE =
  'X-Content-Type-Options: nosniff\r\nETag: "1"\r\nETag: "1"\r\nX-Content-Type-Options: nosniff\r\n';
const ANSWERS: Readonly<Record<string, string>> = {
  '/twice': `${OK}${TWICE}Content-Length: 2\r\n\r\nok`,
  '/settings': `${OK}HTTP2-Settings: AAMAAABk\r\nContent-Length: 2\r\n\r\nok`,
  '/early': `HTTP/1.1 103 Early Hints\r\n${TWICE}\r\n${OK}Content-Length: 2\r\n\r\nok`,
  '/trailers': `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${TWICE}HTTP2-Settings: AAMAAABk\r\n\r\n`,
};

function connect(t: TestContext, { port }: Harness): ClientHttp2Session {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  return session;
}

/** Its names and values as they came, trailers at the end, and its body. */
async function ask(session: ClientHttp2Session, at: string): Promise<{ all: string; body: string }> {
  const stream = session.request({ ':path': at });
  let all = '';
  let body = '';
  const take = (_headers: unknown, _flags: unknown, raw: readonly string[]) => (all += `${raw.join(' ')} `);
  stream.on('response', take).on('trailers', take);
  stream.on('data', (part: Buffer) => (body += part.toString()));
  await once(stream, 'end', { signal: AbortSignal.timeout(20_000) });
  return { all, body };
}

async function assertNothingUnexpected({ root }: Harness): Promise<void> {
  assert.doesNotMatch(await fs.readFile(path.join(root, GATEWAY_LOG), 'utf8'), /unexpected/);
}

test('what an instance says twice, or in the words of HTTP/1.1, keeps no client of HTTP/2 waiting', async (t) => {
  const gateway = await startGateway(t);
  const app = await startRaw(t, 'a', (socket) => {
    socket.on('data', (chunk: Buffer) => {
      const asked = / (\/\w+) /.exec(chunk.toString())?.[1] ?? '';
      socket.write(ANSWERS[asked] ?? 'HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok');
    });
  });
  await gateway.route({ backends: [backendOf(app)] });
  const session = connect(t, gateway);
  for (const at of Object.keys(ANSWERS)) {
    const { all, body } = await ask(session, at);
    assert.equal(body, 'ok', at);
    assert.doesNotMatch(all, /http2-settings/, at);
    if (at === '/twice' || at === '/trailers') assert.match(all, /nosniff[^]*"1"[^]*"1"/, at);
  }
  await assert.rejects(ask(session, '/odd'), /INTERNAL_ERROR/);
  await eventually('nothing is under way', () => gateway.counts('a')?.inFlight === 0);
  await assertNothingUnexpected(gateway);
});

test('what a client says twice, or in the words of HTTP/1.1, reaches an instance of HTTP/2 at the first try', async (t) => {
  const gateway = await startGateway(t);
  const heard: string[] = [];
  const server = http2.createServer({ strictSingleValueFields: false });
  server.on('stream', (stream, _headers, _flags, raw: readonly string[]) => {
    heard.push(raw.join(' '));
    stream.on('trailers', (_fields, _bits, more: readonly string[]) => heard.push(more.join(' ')));
    stream.resume().once('end', () => {
      stream.respond({ ':status': 200 });
      stream.end('ok');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const backend = { id: 'a', version: 'v1', host: '127.0.0.1', port: portOf(server.address()) };
  await gateway.route({ backends: [backend], protocol: 'h2c' });
  const client = new RawClient(t, gateway.port);
  const agents = 'User-Agent: a\r\nUser-Agent: b\r\nHTTP2-Settings: AAMAAABk\r\n';
  const coding = 'Transfer-Encoding: chunked\r\nConnection: close\r\n';
  client.send(`POST / HTTP/1.1\r\nHost: a\r\n${agents}${coding}\r\n0\r\n${TWICE}HTTP2-Settings: x\r\n\r\n`);
  assert.match(await client.untilEnd(), /^HTTP\/1\.1 200 [^]*ok/);
  const [head = '', trailers = ''] = heard;
  assert.match(head, /user-agent a user-agent b/);
  assert.match(trailers, /nosniff[^]*"1"[^]*"1"/);
  assert.doesNotMatch(heard.join(' '), /http2-settings/);
  await eventually('it is counted', () => gateway.counts('a')?.answered[0] === 1);
  assert.equal(gateway.counts('a')?.retried, 0);
  await assertNothingUnexpected(gateway);
});

test('a request for no host is no trouble of an instance of HTTP/2', async (t) => {
  const gateway = await startGateway(t);
  const sessions = new Set<http2.ServerHttp2Session>();
  const server = http2.createServer((_req, res) => void res.end('ok'));
  server.on('session', (session) => sessions.add(session));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const backend = { id: 'a', version: 'v1', host: '127.0.0.1', port: portOf(server.address()) };
  await gateway.route({ backends: [backend], protocol: 'h2c' });
  for (const request of ['GET / HTTP/1.0\r\n', 'GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n']) {
    const client = new RawClient(t, gateway.port);
    client.send(`${request}\r\n`);
    assert.match(await client.untilEnd(), /^HTTP\/1\.1 200 [^]*ok/);
  }
  assert.equal(sessions.size, 1);
  await eventually('both are counted', () => gateway.counts('a')?.answered[0] === 2);
  assert.equal(gateway.counts('a')?.failed, 0);
});

test('a held upload that its client gives up without an error has left', async (t) => {
  const gateway = await startGateway(t);
  const held = () => gateway.plane.report()?.services[0]?.holding;
  await gateway.route({ backends: [], hold: { forMs: 60_000, requestsMax: 10 } });
  const client = new FrameClient(t, gateway.port);
  client.send(frame(FRAME.headers, FLAG.endHeaders, 1, requestFields('POST')));
  await eventually('it is held', () => held() === 1);
  // More than the gateway takes before there is an instance: nobody reads from the stream any more.
  for (let part = 0; part < 20; part += 1) {
    client.send(frame(FRAME.data, FLAG.none, 1, Buffer.alloc(8_000)));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  client.send(frame(FRAME.reset, FLAG.none, 1, uint32(http2.constants.NGHTTP2_NO_ERROR)));
  await eventually('it waits no more', () => held() === 0);
  assert.equal(client.ended, false);
  await assertNothingUnexpected(gateway);
});
