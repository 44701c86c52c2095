/**
 * Hunts what gets lost in the moment of the cut-over itself (the list under the loss table): a chunked POST in
 * flight at the deadline, `Expect: 100-continue`, a second pipelined request, a client that ended its side, a
 * clock that jumps during a drain. The naive way of each is an assertion that fails here.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { globSync } from 'node:fs';
import type { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { eventually } from '../contract/eventually.ts';
import {
  ask,
  backendOf,
  type Harness,
  RawClient,
  type RawServer,
  startApp,
  startGateway,
  startRaw,
} from './gateway-harness.ts';

const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n';
const HOUR_S = 3_600;

/** The old instance drains, the new one serves. */
const cutOver = (gateway: Harness, from: RawServer, to: RawServer, requestsMs = 60_000) =>
  gateway.route({
    backends: [backendOf(to)],
    draining: [{ id: from.id, requestsMs, streamsMs: 60_000 }],
  });

/** Answers each whole request with its own name, of three letters; `got` is all that it received. */
async function namedServer(t: TestContext, name: 'old' | 'new') {
  const sockets: Socket[] = [];
  let got = '';
  const server = await startRaw(t, name, (socket) => {
    sockets.push(socket);
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      got += chunk.toString('latin1');
      for (const end of [/^POST [^]*?\r\n0\r\n\r\n/, /^GET [^]*?\r\n\r\n/]) {
        if (text.startsWith('GET /slow ') || !end.test(text)) continue;
        text = text.replace(end, '');
        socket.write(OK + name);
      }
    });
  });
  return Object.assign(server, { got: () => got, connections: sockets });
}

test('a chunked POST that ends within the drain is answered by the instance that has it', async (t) => {
  const gateway = await startGateway(t);
  const [from, to] = [await namedServer(t, 'old'), await namedServer(t, 'new')];
  await gateway.route({ backends: [backendOf(from)] });
  const client = new RawClient(t, gateway.port);
  client.send(`${CHUNKED}5\r\nfirst\r\n`);
  await eventually('it is under way', () => from.got().includes('first'));
  await cutOver(gateway, from, to);
  client.send('4\r\nlast\r\n0\r\n\r\n');
  assert.match(await client.until((text) => text.endsWith('old'), 'answered'), /^HTTP\/1\.1 200 /);
  await eventually('it is counted', () => gateway.counts('old')?.answered[0] === 1);
  assert.equal(gateway.counts('old')?.failed, 0);
  assert.equal(to.got(), '');
});

test('one that is still under way at the deadline is refused, never whole and never twice', async (t) => {
  const gateway = await startGateway(t);
  const [from, to] = [await namedServer(t, 'old'), await namedServer(t, 'new')];
  await gateway.route({ backends: [backendOf(from)] });
  const client = new RawClient(t, gateway.port);
  client.send(`${CHUNKED}5\r\nfirst\r\n`);
  await eventually('it is under way', () => from.got().includes('first'));
  await cutOver(gateway, from, to, 1);
  // The deadline is control's: it stops the instance, whatever it still has.
  for (const socket of from.connections) socket.destroy();
  await client.until((text) => /\r\n\r\n/.test(text), 'answered');
  assert.match(client.received, /^HTTP\/1\.1 502 [^]*Segue-Error: instance-failed/);
  client.send('4\r\nlast\r\n0\r\n\r\n');
  await eventually('it is counted', () => gateway.counts('old')?.failed === 1);
  assert.ok(!from.got().includes('\r\n0\r\n\r\n'), 'half a body is nobody’s whole one');
  assert.equal(to.got(), '', 'T2: it may have been processed, so it is not sent again');
  const next = await ask(gateway.port);
  assert.equal(next.body.toString(), 'new');
});

test('a body that waits for 100-continue across the cut-over goes to the instance that asked for it', async (t) => {
  const gateway = await startGateway(t);
  const [from, to] = [await namedServer(t, 'old'), await namedServer(t, 'new')];
  await gateway.route({ backends: [backendOf(from)] });
  const client = new RawClient(t, gateway.port);
  client.send(CHUNKED.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n'));
  await eventually('the instance has the head', () => from.got().includes('100-continue'));
  await cutOver(gateway, from, to);
  from.connections[0]?.write('HTTP/1.1 100 Continue\r\n\r\n');
  await client.until((text) => text.includes('100 Continue'), 'asked for the body');
  client.send('4\r\nbody\r\n0\r\n\r\n');
  await client.until((text) => text.endsWith('old'), 'answered');
  assert.equal(to.got(), '');
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.until((text) => text.endsWith('new'), 'the same connection is served by the new one');
});

test('one that waits in the hold across the cut-over is asked for its body by the new instance', async (t) => {
  const gateway = await startGateway(t);
  const [from, to] = [await namedServer(t, 'old'), await namedServer(t, 'new')];
  await gateway.route({ backends: [], draining: [{ id: from.id, requestsMs: 60_000, streamsMs: 60_000 }] });
  const client = new RawClient(t, gateway.port);
  client.send(CHUNKED.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n'));
  await eventually('it waits', () => gateway.plane.report()?.services[0]?.holding === 1);
  await cutOver(gateway, from, to);
  await eventually('the new instance has the head', () => to.got().includes('100-continue'));
  assert.equal(client.received, '', 'nobody asked for the body before somebody could take it');
  to.connections[0]?.write('HTTP/1.1 100 Continue\r\n\r\n');
  await client.until((text) => text.includes('100 Continue'), 'asked for the body');
  client.send('4\r\nbody\r\n0\r\n\r\n');
  await client.until((text) => text.endsWith('new'), 'answered');
});

test('the second pipelined request goes to the new instance, the first is answered by the old', async (t) => {
  const gateway = await startGateway(t);
  const [from, to] = [await namedServer(t, 'old'), await namedServer(t, 'new')];
  await gateway.route({ backends: [backendOf(from)] });
  const client = new RawClient(t, gateway.port);
  client.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually('the first is under way', () => from.got().includes('/slow'));
  await cutOver(gateway, from, to);
  from.connections[0]?.write(`${OK}old`);
  await client.until((text) => /old[^]*new$/.test(text), 'both answered, in order');
  assert.ok(!from.got().includes('/second'), 'T3: a draining instance gets nothing new');
});

test('a client that ended its side before the cut-over gets its answer after it', async (t) => {
  const gateway = await startGateway(t);
  const [from, to] = [await namedServer(t, 'old'), await namedServer(t, 'new')];
  await gateway.route({ backends: [backendOf(from)] });
  const client = new RawClient(t, gateway.port);
  client.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
  client.socket.end();
  await eventually('it is under way', () => from.got().includes('/slow'));
  await cutOver(gateway, from, to);
  from.connections[0]?.write(`${OK}old`);
  assert.match(await client.untilEnd(), /^HTTP\/1\.1 200 [^]*Connection: close[^]*old$/);
});

/** Debian's `faketime`. Time that passes stays as it is; what o'clock it is follows a file. */
const [faketime] = globSync('/usr/lib/*/faketime/libfaketime.so.1');

test('a clock that jumps', { skip: faketime === undefined && 'faketime is not installed' }, async (t) => {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'segue-clock-'));
  t.after(() => fs.rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'offset');
  const jumpTo = (offsetS: number) => fs.writeFile(file, `${offsetS < 0 ? '' : '+'}${offsetS}\n`);
  await jumpTo(0);
  const faked = {
    LD_PRELOAD: faketime,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  Object.assign(process.env, faked);
  t.after(() => {
    for (const name of Object.keys(faked)) delete process.env[name];
  });
  const gateway = await startGateway(t);
  const app = await startApp(t, 'old', (req, res) => {
    if (req.url === '/events') {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    } else if (req.url === '/slow') {
      req.socket.once('finish-it', () => res.end('old'));
    } else res.end('old');
  });
  await gateway.route({ backends: [backendOf(app)] });
  const sockets = new Set<Socket>();
  app.server.on('request', ({ socket }) => sockets.add(socket));

  const [slow, idle, stream] = [0, 1, 2].map(() => new RawClient(t, gateway.port));
  assert.ok(slow && idle && stream);
  slow.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
  idle.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await idle.until((text) => text.endsWith('old'), 'answered once');
  stream.send('GET /events HTTP/1.1\r\nHost: a\r\n\r\n');
  await stream.until((text) => text.includes('data: 1'), 'open');
  const before = gateway.counts('old')?.lastRequestAtMs ?? 0;

  // Two hours ahead, in the middle of a drain that has a minute.
  await gateway.route({ draining: [{ id: app.id, requestsMs: 60_000, streamsMs: 60_000 }] });
  const held = new RawClient(t, gateway.port);
  held.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await jumpTo(2 * HOUR_S);
  await severalReports(gateway);
  for (const client of [slow, idle, held]) assert.ok(!client.ended, 'no deadline has passed');
  await gateway.route({ backends: [backendOf(app)] });
  await held.until((text) => text.endsWith('old'), 'the held one is answered');
  idle.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await idle.until((text) => text.split('200 OK').length === 3, 'answered twice');
  for (const socket of sockets) socket.emit('finish-it');
  await slow.until((text) => text.endsWith('old'), 'the slow one is answered');
  const jumpedMs = (gateway.counts('old')?.lastRequestAtMs ?? 0) - before;
  assert.ok(jumpedMs >= HOUR_S * 1_000, 'the gateway saw the jump');

  // And back, in a drain that must not last until then.
  const late = new RawClient(t, gateway.port);
  late.send('GET /events HTTP/1.1\r\nHost: a\r\n\r\n');
  await late.until((text) => text.includes('data: 1'), 'open');
  await gateway.route({ draining: [{ id: app.id, requestsMs: 1_000, streamsMs: 1_000 }] });
  await jumpTo(-2 * HOUR_S);
  await late.until((text) => text.endsWith('\r\n0\r\n\r\n'), 'told to come back');
});

/** Enough of them for every sweep of deadlines to have run. */
function severalReports(gateway: Harness): Promise<void> {
  let left = 12;
  return new Promise((resolve) => {
    const unsubscribe = gateway.plane.onReport(() => {
      left -= 1;
      if (left > 0) return;
      unsubscribe();
      resolve();
    });
  });
}
