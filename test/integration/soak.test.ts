/**
 * Hunts a soak that passes whatever happens: growth that noise hides, losses that nobody adds up, clients that
 * only look slow.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { growthPerMinute } from '../../bench/soak/growth.ts';
import { isLostWith, killWorker } from '../../bench/soak/kill.ts';
import { faultsOf, type Run } from '../../bench/soak/verdict.ts';
import { portOf } from '../contract/some-port.ts';
import { startLoad } from '../load/load.ts';
import { startShop } from '../load/shop.ts';
import type { Failure } from '../load/summary.ts';
import { eventually } from '../contract/eventually.ts';

const MEGABYTE = 1024 * 1024;

test('growth is found under noise, and noise alone is none', () => {
  const points = (perMinute: number) =>
    Array.from({ length: 60 }, (_, at) => ({
      atMs: at * 2_000,
      // A saw as of a heap that fills and is collected, and one wild point.
      value: perMinute * (at / 30) + (at % 5) * 3 + (at === 17 ? 500 : 0),
    }));
  assert.ok(Math.abs(growthPerMinute(points(0)) ?? NaN) < 1);
  assert.ok(Math.abs((growthPerMinute(points(10)) ?? NaN) - 10) < 1);
  assert.equal(growthPerMinute(points(10).slice(0, 2)), null, 'two points say nothing');
});

test('every kind of fault is a fault', async () => {
  const load = startLoad({ target: { host: '127.0.0.1', port: 1 } });
  const summary = { ...(await load.stop()), sent: 100, answered: 100 };
  const good: Run = {
    ending: { played: [], rounds: 1, trouble: null },
    kills: [],
    summary,
    growths: [],
    left: [],
  };
  const growth = {
    role: 'gateway',
    pid: 1,
    watchedMs: 90_000,
    memoryBytes: 100 * MEGABYTE,
    memoryBytesPerMinute: MEGABYTE,
    descriptors: 50,
    descriptorsPerMinute: 0,
  } as const;
  assert.deepEqual(faultsOf({ ...good, growths: [growth] }), []);
  const websocket = { ...summary.streams.websocket, broken: 1 };
  const bad: readonly Run[] = [
    { ...good, ending: { ...good.ending, trouble: 'a release hangs' } },
    { ...good, summary: { ...summary, answered: 99, failed: 1 } },
    { ...good, summary: { ...summary, answered: 99 } },
    { ...good, summary: { ...summary, streams: { ...summary.streams, websocket } } },
    { ...good, growths: [{ ...growth, memoryBytesPerMinute: 20 * MEGABYTE }] },
    { ...good, growths: [{ ...growth, descriptorsPerMinute: 60 }] },
    { ...good, left: ['process 7'] },
  ];
  for (const run of bad) assert.equal(faultsOf(run).length, 1, JSON.stringify(run));
  const young = { ...growth, watchedMs: 10_000, memoryBytesPerMinute: 20 * MEGABYTE };
  assert.deepEqual(faultsOf({ ...good, growths: [young] }), [], 'the heap of a young process still fills');
});

test('a slow reader gets all of it and holds the sender back', async (t) => {
  const shop = await startShop({ name: 'v1' });
  t.after(() => shop.remove());
  const load = startLoad({
    target: { host: '127.0.0.1', port: shop.port },
    slowReaders: { count: 1, restMs: 5 },
  });
  t.after(() => load.stop());
  await eventually('a catalogue is read', () => load.stats().answered >= 1);
  const { failures, sent, elapsedMs } = await load.stop();
  assert.deepEqual(failures, []);
  // Some 2.5 MB in pieces of 64 KB at most, 5 ms apart.
  assert.ok(elapsedMs >= sent * 150, `${sent} in ${elapsedMs} ms`);
});

test('an HTTP/2 client loses nothing to a server that says good-bye, and sees one that does not', async (t) => {
  const sessions = new Set<ServerHttp2Session>();
  let count = 0;
  let cuts = false;
  const server = createHttp2Server((request, response) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => response.end(`Shop {"size":${bytes}}`));
    count += 1;
    if (count === 20) request.stream.session?.close();
    if (cuts) request.stream.session?.destroy();
    cuts = false;
  });
  server.on('session', (session) => sessions.add(session));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const target = { host: '127.0.0.1', port: portOf(server.address()) };
  const load = startLoad({ target, http2: { count: 1, streams: 4 } });
  t.after(() => load.stop());
  await eventually('it was told', () => sessions.size >= 2);
  assert.deepEqual(load.stats().reasons, {});
  cuts = true;
  await eventually('it was cut', () => load.stats().failed > 0);
  const { answered } = load.stats();
  await eventually('it goes on', () => load.stats().answered > answered + 20);
  const { failures } = await load.stop();
  assert.ok(failures.length <= 4 && failures.every(({ localPort }) => localPort !== null));
});

test('a failure names the connection that broke', async (t) => {
  const ports = new Set<number | undefined>();
  const { port } = await breakingServer(t, (remotePort) => ports.add(remotePort));
  const load = startLoad({
    target: { host: '127.0.0.1', port },
    clients: [{ kind: 'keep-alive', method: 'GET', path: '/', count: 1 }],
    websocket: { count: 1 },
  });
  t.after(() => load.stop());
  await eventually('both broke', () => load.stats().failed > 0 && load.stats().streams.websocket.broken > 0);
  const { failures } = await load.stop();
  for (const { localPort } of failures) assert.ok(localPort !== null && ports.has(localPort));
});

test('a killed worker excuses what its own connections lost, and nothing else', async (t) => {
  const program =
    "require('net').createServer(s=>s.on('data',d=>s.write(d))).listen(0,'127.0.0.1',function(){console.log(this.address().port)})";
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [said]: unknown[] = await once(child.stdout, 'data');
  const port = Number(String(said));
  const client = connect(port, '127.0.0.1');
  t.after(() => client.destroy());
  client.on('error', () => undefined).write('x');
  await once(client, 'data');
  const { localPort } = client;
  assert.ok(child.pid !== undefined && localPort !== undefined);
  const exited = once(child, 'exit');
  const kill = await killWorker(child.pid, port);
  await exited;
  assert.deepEqual([...kill.ports], [localPort]);

  const lost: Failure = {
    ...{ reason: 'reset', code: 'ECONNRESET', method: 'GET', path: '/', afterMs: 5, reused: true },
    ...{ status: null, version: null, window: 'soak', detail: '' },
    ...{ localPort, atMs: kill.atMs + 3 },
  };
  const others: readonly Failure[] = [
    { ...lost, localPort: localPort + 1 },
    { ...lost, localPort: null },
    { ...lost, atMs: kill.atMs - 100 },
    { ...lost, atMs: kill.atMs + 60_000 },
    { ...lost, reason: 'status', status: 502 },
  ];
  assert.ok(isLostWith([kill], lost));
  for (const other of others) assert.ok(!isLostWith([kill], other), JSON.stringify(other));
});

async function breakingServer(t: TestContext, onPort: (port: number | undefined) => void) {
  const server = createServer((request) => request.socket.destroy());
  server.on('connection', ({ remotePort }) => onPort(remotePort));
  server.on('upgrade', (_, socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { port: portOf(server.address()) };
}
