/**
 * Hunts a gateway that slow or greedy clients can fill up: heads and bodies in single bytes, readers that do not
 * read, pipelines without end, fields without end, floods of pings. Others are served meanwhile without one
 * failure, and memory stays bounded.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import { eventually } from '../contract/eventually.ts';
import { startLoad } from '../load/load.ts';
import { maskedFrame, OPCODE } from '../load/websocket-frames.ts';
import { backendOf, type Harness, RawClient, startApp, startGateway } from './gateway-harness.ts';
import { residentBytes } from './gateway-memory.ts';

const MEGABYTE = 1024 * 1024;
const LARGE_BYTES = 64 * MEGABYTE;
/** What all clients of one attack together may cost. What they send or ask for is a multiple. */
const GROWTH_BYTES_MAX = 160 * MEGABYTE;

interface Scene {
  readonly gateway: Harness;
  readonly clients: (count: number) => readonly RawClient[];
}

/** Plays an attack beside ordinary clients, who must not notice. */
async function attack(t: TestContext, play: (scene: Scene) => Promise<void>): Promise<void> {
  const gateway = await startGateway(t);
  const large = Buffer.alloc(LARGE_BYTES, 'x');
  const app = await startApp(t, 'a', (req, res) => {
    if (req.url === '/large') res.end(large);
    else req.resume().once('end', () => res.end('a'));
  });
  app.server.on('upgrade', (_, socket) => {
    socket.on('error', () => socket.destroy());
    socket.write('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    // Every frame is answered with as much: an instance that does what it is told.
    socket.pipe(socket);
  });
  await gateway.route({ backends: [backendOf(app)] });
  const load = startLoad({
    target: { host: '127.0.0.1', port: gateway.port },
    clients: [
      { kind: 'keep-alive', method: 'POST', path: '/', body: 'x', count: 4, thinkMs: 2 },
      { kind: 'per-request', method: 'GET', path: '/', count: 2, thinkMs: 5 },
    ],
  });
  t.after(() => load.stop());
  const answered = (more: number) => {
    const untilCount = load.stats().answered + more;
    return eventually('others are answered', () => load.stats().answered >= untilCount);
  };
  await answered(200);
  const before = await residentBytes(gateway);
  await play({
    gateway,
    clients: (count) => Array.from({ length: count }, () => new RawClient(t, gateway.port)),
  });
  await answered(200);
  const grown = (await residentBytes(gateway)) - before;
  const { failures } = await load.stop();
  assert.deepEqual(failures, []);
  assert.ok(grown < GROWTH_BYTES_MAX, `${Math.round(grown / MEGABYTE)} MB more`);
  t.diagnostic(`${Math.round(grown / MEGABYTE)} MB more`);
}

test('heads in single bytes, and none at all: each has its time in all, not between two bytes', async (t) => {
  await attack(t, async ({ clients, gateway }) => {
    const slow = clients(300);
    const silent = clients(2_000);
    const beganMs = performance.now();
    const text = `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(100)}`;
    let at = 0;
    const drip = setInterval(() => {
      for (const client of slow) if (!client.ended) client.send(text[at % text.length] ?? 'x');
      at += 1;
    }, 100);
    t.after(() => clearInterval(drip));
    await eventually('all are open', () => (gateway.plane.report()?.gateway.connections ?? 0) >= 2_300);
    const all = [...slow, ...silent];
    await eventually('all are ended', () => all.every(({ ended }) => ended), 60_000);
    assert.ok(performance.now() - beganMs > limits.gateway.headTimeoutMs * 0.9);
    for (const { received } of slow) assert.match(received, /^HTTP\/1\.1 408 /);
  });
});

test('bodies in single bytes hold nobody up', async (t) => {
  await attack(t, async ({ clients, gateway }) => {
    const slow = clients(200);
    for (const client of slow) client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n');
    const drip = setInterval(() => {
      for (const client of slow) client.send('x');
    }, 50);
    t.after(() => clearInterval(drip));
    await eventually('they are under way', () => (gateway.counts('a')?.inFlight ?? 0) >= 200);
    for (const client of slow) client.socket.destroy();
    await eventually('all are gone', () => (gateway.counts('a')?.inFlight ?? 200) < 20);
  });
});

test('readers that do not read cost a buffer, not what they asked for', async (t) => {
  await attack(t, async ({ clients, gateway }) => {
    for (const client of clients(50)) {
      client.socket.pause();
      client.send('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
    }
    await eventually('they are under way', () => (gateway.counts('a')?.inFlight ?? 0) >= 50);
  });
});

test('a pipeline without end waits in the sockets, not in the gateway', async (t) => {
  await attack(t, async ({ clients }) => {
    const many = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(40_000);
    const greedy = clients(50);
    for (const client of greedy) {
      client.socket.pause();
      client.send(many);
    }
    // 50 MB were sent; most of it is still on this side.
    await eventually('they are held back', () => greedy.some(({ socket }) => socket.writableLength > 0));
  });
});

test('fields without end are refused at their limit', async (t) => {
  await attack(t, async ({ clients }) => {
    const greedy = clients(100);
    const field = `X: ${'x'.repeat(1_000)}\r\n`;
    for (const client of greedy) client.send(`GET / HTTP/1.1\r\nHost: a\r\n${field.repeat(1_000)}`);
    await eventually('all are ended', () => greedy.every(({ ended }) => ended));
    for (const { received } of greedy) assert.match(received, /^HTTP\/1\.1 431 /);
  });
});

test('pings without end, whose answers nobody reads, hold back their sender', async (t) => {
  await attack(t, async ({ clients }) => {
    const upgrade =
      'GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
    const greedy = clients(20);
    for (const client of greedy) client.send(upgrade);
    for (const client of greedy) await client.until((text) => / 101 [^]*\r\n\r\n/.test(text), 'open');
    const pings = Buffer.concat(
      Array.from({ length: 500 }, () => maskedFrame(OPCODE.ping, Buffer.alloc(100))),
    );
    for (const { socket } of greedy) {
      socket.pause();
      for (let sent = 0; sent < 16 * MEGABYTE; sent += pings.length) socket.write(pings);
    }
    await eventually('all are held back', () =>
      greedy.every(({ socket }) => socket.writableLength > MEGABYTE),
    );
  });
});
