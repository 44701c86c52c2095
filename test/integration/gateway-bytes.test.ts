/**
 * Hunts what depends on how bytes arrive: heads and bodies in single bytes, answers that end with the connection,
 * clients that end their side, heads that never end, 1xx without end, bodies larger than any buffer both ways.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../../src/core/limits.ts';
import {
  ask,
  backendOf,
  type Harness,
  RawClient,
  startApp,
  startGateway,
  startRaw,
  textOf,
} from './gateway-harness.ts';
import { eventually } from '../contract/eventually.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** A gateway in front of an instance that answers each request with these parts, apart from one another. */
async function answering(
  t: TestContext,
  parts: readonly string[],
  end?: (socket: Socket) => void,
): Promise<Harness> {
  const gateway = await startGateway(t);
  const app = await startRaw(t, 'a', (socket) => {
    socket.setNoDelay(true);
    socket.on('data', () => {
      void (async () => {
        for (const part of parts) {
          socket.write(part, 'latin1');
          await sleep(1);
        }
        end?.(socket);
      })();
    });
  });
  await gateway.route({ backends: [backendOf(app)] });
  return gateway;
}

test('a request and a response in single bytes are what they are in one piece', async (t) => {
  const response =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n3;a\r\nabc\r\n0\r\nT: 1\r\n\r\n';
  const gateway = await answering(t, response.split(''));
  const client = new RawClient(t, gateway.port);
  for (const byte of GET) {
    client.send(byte);
    await sleep(1);
  }
  const text = await client.until((heard) => heard.endsWith('0\r\nT: 1\r\n\r\n'), 'answered');
  assert.match(
    text,
    /^HTTP\/1\.1 200 OK\r\nX: y\r\nVia: 1\.1 segue\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n/,
  );
});

test('an answer that ends with its connection leaves the client its own (T4)', async (t) => {
  const gateway = await answering(t, ['HTTP/1.0 200 OK\r\n\r\nfirst ', 'second'], (socket) => socket.end());
  const client = new RawClient(t, gateway.port);
  for (const answers of [1, 2]) {
    client.send(GET);
    const heard = await client.until(
      (text) => text.split('\r\n0\r\n\r\n').length === answers + 1,
      'answered',
    );
    assert.doesNotMatch(heard, /Connection: close/);
  }
  const old = new RawClient(t, gateway.port);
  old.send('GET / HTTP/1.0\r\n\r\n');
  assert.match(await old.untilEnd(), /Connection: close\r\n\r\nfirst second$/);
});

test('chunks are taken apart for a client of HTTP/1.0', async (t) => {
  const gateway = await answering(t, [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
    '0\r\n\r\n',
  ]);
  const client = new RawClient(t, gateway.port);
  client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  const text = await client.untilEnd();
  assert.match(text, /Connection: close\r\n\r\nabc$/);
  assert.doesNotMatch(text, /Transfer-Encoding/i);
});

test('a client that ends its side still gets its answer', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a', (_req, res) => void setTimeout(() => res.end('late'), 100));
  await gateway.route({ backends: [backendOf(app)] });
  const client = new RawClient(t, gateway.port);
  client.send(GET);
  client.socket.end();
  assert.match(await client.untilEnd(), /Connection: close\r\n[^]*late$/);
});

test('what a client sent ahead of its end is answered, all of it', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a', (req, res) => void setTimeout(() => res.end(`[${req.url}]`), 50));
  await gateway.route({ backends: [backendOf(app)] });
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
  const atOnce = new RawClient(t, gateway.port);
  atOnce.send(get('/1') + get('/2') + get('/3'));
  atOnce.socket.end();
  const apart = new RawClient(t, gateway.port);
  apart.send(get('/1'));
  await sleep(10);
  apart.send(get('/2'));
  await sleep(10);
  apart.send(`${get('/3')}GET /half`);
  apart.socket.end();
  for (const client of [atOnce, apart]) {
    const text = await client.untilEnd();
    assert.deepEqual(text.match(/\[.*?\]/g), ['[/1]', '[/2]', '[/3]']);
    assert.doesNotMatch(text, / 40\d /);
  }
});

test('a client that ends its side in the middle of a body that it sent ahead brings half of it to nobody', async (t) => {
  const gateway = await startGateway(t);
  const urls: string[] = [];
  const app = await startApp(t, 'a', (req, res) => {
    urls.push(req.url ?? '');
    setTimeout(() => res.end('ok'), 50);
  });
  await gateway.route({ backends: [backendOf(app)] });
  const client = new RawClient(t, gateway.port);
  client.send(`${GET}POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf`);
  client.socket.end();
  assert.match(await client.untilEnd(), /ok$/);
  assert.equal(await textOf(ask(gateway.port)), 'ok');
  assert.deepEqual(urls, ['/', '/']);
});

test('a body of which half is missing reaches nobody as a whole one', async (t) => {
  const gateway = await startGateway(t);
  let ended = false;
  let broken = false;
  const app = await startApp(t, 'a', (req) => {
    req.resume().once('end', () => (ended = true));
    req.once('error', () => (broken = true));
  });
  await gateway.route({ backends: [backendOf(app)] });
  const client = new RawClient(t, gateway.port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf');
  await eventually('it is under way', () => gateway.counts('a')?.inFlight === 1);
  client.socket.end();
  await eventually('the instance sees it broken', () => broken);
  assert.equal(ended, false);
});

for (const [name, response] of [
  ['a head without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(limits.gateway.headBytesMax)}`],
  ['1xx without end', 'HTTP/1.1 103 Hints\r\n\r\n'.repeat(limits.gateway.informationMax + 1)],
  ['another protocol unasked', 'HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'],
  ['no HTTP', 'SSH-2.0-x\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
] as const) {
  test(`${name} from an instance is not passed on`, async (t) => {
    const gateway = await answering(t, [response]);
    const client = new RawClient(t, gateway.port);
    client.send(GET);
    const text = await client.until((heard) => /502 Bad Gateway/.test(heard), 'refused');
    assert.doesNotMatch(text, /HTTP\/1\.1 (?:101|200)/);
    await eventually('it is counted', () => gateway.counts('a')?.failed === 1);
  });
}

test('large bodies both ways at once, in any framing, arrive whole', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a', (req, res) => void req.pipe(res));
  await gateway.route({ backends: [backendOf(app)] });
  const body = randomBytes(5 * 1024 * 1024);
  const digest = createHash('sha256').update(body).digest('hex');
  const sums = await Promise.all(
    [{ 'Content-Length': body.length }, { 'Transfer-Encoding': 'chunked' }].map(async (headers) => {
      const answer = await ask(gateway.port, { method: 'POST', headers, body });
      return createHash('sha256').update(answer.body).digest('hex');
    }),
  );
  assert.deepEqual(sums, [digest, digest]);
});

test('a head that never ends is answered with why, and its connection closed', async (t) => {
  const gateway = await startGateway(t);
  await gateway.route({ backends: [] });
  const client = new RawClient(t, gateway.port);
  const part = 'X: y\r\n'.repeat(10);
  client.send(GET.slice(0, -2));
  for (let i = 0; i <= limits.gateway.headFieldsMax / 10; i += 1) client.send(part);
  assert.match(
    await client.untilEnd(),
    /^HTTP\/1\.1 431 [^]*Segue-Error: head-too-large\r\n[^]*Connection: close/,
  );
});
