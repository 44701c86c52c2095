/**
 * Hunts torn streams (T3): a WebSocket cut inside a frame, an event cut in half, a stream that outlives its limit,
 * a slow reader that fills the gateway's memory.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { limits } from '../../src/core/limits.ts';
import { ask, backendOf, RawClient, startApp, startGateway, startRaw, textOf } from './gateway-harness.ts';
import { residentBytes } from './gateway-memory.ts';
import { eventually } from '../contract/eventually.ts';

const draining = (streamsMs: number) => [{ id: 'a', requestsMs: 10_000, streamsMs }];

test('a WebSocket under a flood of messages gets 1012 between two frames, and the instance a clean close', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a');
  const server = new WebSocketServer({ server: app.server, perMessageDeflate: false });
  let instanceSaw = 0;
  const received: string[] = [];
  server.on('connection', (socket) => {
    const flood = setInterval(() => {
      for (const size of [1, 200, 70_000]) socket.send(Buffer.alloc(size, 'm'));
    }, 1);
    socket.on('message', (message: Buffer) => received.push(message.toString()));
    socket.once('close', (code) => {
      clearInterval(flood);
      instanceSaw = code;
    });
  });
  t.after(() => server.close());
  await gateway.route({ backends: [backendOf(app)] });
  const clients = [...Array(5).keys()].map(() => new WebSocket(`ws://127.0.0.1:${gateway.port}/`));
  const sizes = new Set<number>();
  for (const client of clients) client.on('message', (data: Buffer) => sizes.add(data.length));
  await Promise.all(clients.map((client) => once(client, 'message')));
  await eventually('they are counted', () => gateway.counts('a')?.streams === 5);
  assert.equal(gateway.counts('a')?.inFlight, 0);
  const closes = clients.map((client) => once(client, 'close'));
  clients[0]?.send('before the drain');
  await gateway.route({ backends: [], draining: draining(10_000) });
  for (const [code] of await Promise.all(closes)) assert.equal(code, 1012);
  await eventually('the instance saw a close frame', () => instanceSaw === 1012);
  assert.deepEqual(received, ['before the drain']);
  assert.deepEqual(
    [...sizes].sort((a, b) => a - b),
    [1, 200, 70_000],
  );
  await eventually('nothing is left', () => gateway.counts('a')?.streams === 0);
  assert.deepEqual(gateway.counts('a')?.answered, [5, 0, 0, 0]);
});

test('told in the middle of a frame, the close frame waits for its end, and nothing follows it', async (t) => {
  const gateway = await startGateway(t);
  const app = await startRaw(t, 'a', (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      socket.write(Buffer.from([0x81, 4, 0x68, 0x61]));
    });
  });
  await gateway.route({ backends: [backendOf(app)] });
  const client = new RawClient(t, gateway.port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  await client.until((text) => text.endsWith('\x81\x04ha'), 'the first half came');
  const other = await startApp(t, 'b');
  await gateway.route(
    { backends: [], draining: draining(60_000) },
    { service: 'other', routes: [{ host: null, path: '/other' }], backends: [backendOf(other)] },
  );
  // Told for certain: with one stream that is the first tick of the drain, and between the two ends of a request
  // that begins after it the worker has looked at what is due.
  await sleep(limits.gateway.drainTickMs * 2);
  assert.equal(await textOf(ask(gateway.port, { path: '/other' })), 'b');
  for (const socket of app.sockets) socket.write(Buffer.from([0x6c, 0x66, 0x81, 2, 0x6e, 0x6f]));
  const heard = await client.until((text) => text.includes('restart'), 'closed');
  assert.ok(heard.endsWith('\r\n\r\n\x81\x04half\x88\x11\x03\xf4service restart'), heard);
});

test('a WebSocket lives through routings that do not concern it', async (t) => {
  const gateway = await startGateway(t);
  const [app, other] = await Promise.all([startApp(t, 'a'), startApp(t, 'b')]);
  const server = new WebSocketServer({ server: app.server });
  server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  t.after(() => server.close());
  await gateway.route({ backends: [backendOf(app)] });
  const client = new WebSocket(`ws://127.0.0.1:${gateway.port}/`);
  await once(client, 'open');
  const cut = once(client, 'close');
  await gateway.route({ backends: [backendOf(other)] });
  await gateway.route({ backends: [backendOf(app), backendOf(other)] });
  client.send('still here', () => undefined);
  const [echo] = await Promise.race([once(client, 'message'), cut]);
  assert.equal(String(echo), 'still here');
  client.close(4000);
  const [code] = await once(client, 'close');
  assert.equal(code, 4000);
});

test('an upgrade that the instance refuses is an ordinary answer', async (t) => {
  const gateway = await startGateway(t);
  const app = await startRaw(t, 'a', (socket) => {
    socket.on('data', () => socket.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno'));
  });
  await gateway.route({ backends: [backendOf(app)] });
  const client = new RawClient(t, gateway.port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  assert.match(await client.untilEnd(), /^HTTP\/1.1 401 Unauthorized\r\n[^]*no$/);
  await eventually('it is counted', () => gateway.counts('a')?.answered[2] === 1);
});

test('another protocol passes both ways, ends each way by itself, and is cut at its limit', async (t) => {
  const gateway = await startGateway(t);
  const app = await startRaw(t, 'a', (socket) => {
    socket.allowHalfOpen = true;
    let heard = '';
    let switched = false;
    socket.on('data', (chunk) => {
      heard += chunk.toString();
      if (!switched && heard.includes('\r\n\r\n')) {
        switched = true;
        heard = '';
        socket.write('HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello ');
      }
    });
    socket.once('end', () => socket.end(`heard ${heard}`));
  });
  await gateway.route({ backends: [backendOf(app)] });
  const open = async () => {
    const client = new RawClient(t, gateway.port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    await client.until((text) => text.endsWith('hello '), 'switched');
    return client;
  };
  const half = await open();
  half.send('all of it');
  half.socket.end();
  assert.match(await half.untilEnd(), /^HTTP\/1.1 101 Go\r\n[^]*hello heard all of it$/);
  const long = await open();
  await gateway.route({ backends: [], draining: draining(100) });
  assert.match(await long.untilEnd(), /hello $/);
  await eventually('nothing is left', () => gateway.counts('a')?.streams === 0);
});

test('one side ends and the other one is reset: the tunnel is over at both, whoever began', async (t) => {
  const gateway = await startGateway(t);
  const instances: Socket[] = [];
  let closed = 0;
  const app = await startRaw(t, 'a', (socket) => {
    socket.allowHalfOpen = true;
    instances.push(socket);
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'),
    );
    socket.once('close', () => (closed += 1));
  });
  await gateway.route({ backends: [backendOf(app)] });
  const open = async () => {
    const client = new RawClient(t, gateway.port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    await client.until((text) => text.endsWith('\r\n\r\n'), 'switched');
    return client;
  };
  const gone = await open();
  instances[0]?.end();
  await gone.untilEnd();
  gone.socket.resetAndDestroy();
  await eventually('the instance hears of it', () => closed === 1);
  const left = await open();
  left.socket.end();
  if (instances[1]) await once(instances[1], 'end');
  instances[1]?.resetAndDestroy();
  await left.untilEnd();
  await eventually('nothing is left', () => gateway.counts('a')?.streams === 0);
});

test('server-sent events end after a whole event, as a complete response', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a', (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    let n = 0;
    // In small parts, so that a cut inside an event is likely.
    const parts = setInterval(() => {
      res.write(['data: o', 'ne\r\n', '\r', '\ndata: two\n', '\n'][n % 5]);
      n += 1;
    }, 2);
    res.once('close', () => clearInterval(parts));
  });
  await gateway.route({ backends: [backendOf(app)] });
  const streams = [...Array(10).keys()].map(() => ask(gateway.port, { agent: new http.Agent() }));
  await eventually('they are counted', () => gateway.counts('a')?.streams === 10);
  await gateway.route({ backends: [], draining: draining(10_000) });
  for (const { body } of await Promise.all(streams)) {
    assert.match(body.toString(), /^(?:data: one\r\n\r\ndata: two\n\n)*(?:data: one\r\n\r\n)?$/);
  }
  await eventually('nothing is left', () => gateway.counts('a')?.streams === 0);
  assert.deepEqual(gateway.counts('a')?.answered, [10, 0, 0, 0]);
});

test('a quiet event stream gets its head at once and ends at once when told', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a', (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' }).flushHeaders();
  });
  await gateway.route({ backends: [backendOf(app)] });
  const client = new RawClient(t, gateway.port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.until((text) => text.includes('text/event-stream'), 'the head came');
  await gateway.route({ backends: [], draining: draining(10_000) });
  await client.until((text) => text.endsWith('\r\n\r\n0\r\n\r\n'), 'the response was complete');
});

test('a slow reader holds the instance back, not the memory of the gateway', async (t) => {
  const gateway = await startGateway(t);
  const totalBytes = 200 * 1024 * 1024;
  const app = await startApp(t, 'a', (_req, res) => {
    let left = totalBytes;
    const part = Buffer.alloc(64 * 1024);
    const more = () => {
      while (left > 0) {
        left -= part.length;
        if (!res.write(part)) return;
      }
      res.end();
    };
    res.on('drain', more);
    more();
    written = () => totalBytes - left;
  });
  let written = () => 0;
  await gateway.route({ backends: [backendOf(app)] });
  const beforeBytes = await residentBytes(gateway);
  const client = new RawClient(t, gateway.port);
  client.socket.pause();
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  let last = -1;
  await eventually('the instance is held back', async () => {
    const before = last;
    last = written();
    await sleep(200);
    return last > 0 && last === before;
  });
  assert.ok(last < totalBytes / 2, `${last} bytes were taken`);
  const grown = (await residentBytes(gateway)) - beforeBytes;
  assert.ok(grown < 32 * 1024 * 1024, `${grown} bytes more`);
});
