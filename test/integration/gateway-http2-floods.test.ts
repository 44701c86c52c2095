/**
 * Hunts floods of frames that cost a client nothing and the gateway memory or its other clients: settings, pings,
 * continuations, resets by either side, empty and tiny parts of a body, streams whose window stays shut. Others are
 * served meanwhile, over HTTP/1.1 and HTTP/2, without one failure.
 */
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { test, type TestContext } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import { eventually } from '../contract/eventually.ts';
import { startLoad } from '../load/load.ts';
import { backendOf, type Harness, startApp, startGateway } from './gateway-harness.ts';
import { residentBytes } from './gateway-memory.ts';
import { FLAG, FRAME, frame, FrameClient, literal, requestFields, setting, uint32 } from './http2-frames.ts';

const MEGABYTE = 1024 * 1024;
const GROWTH_BYTES_MAX = 96 * MEGABYTE;
const LARGE = Buffer.alloc(16 * MEGABYTE, 'x');
const SETTINGS_INITIAL_WINDOW = 4;
const { streamsPerSessionMax } = limits.gateway.http2;

interface Scene {
  readonly gateway: Harness;
  /** Waits until the others were answered so many more times. */
  readonly answered: (more: number) => Promise<unknown>;
}

async function beside(t: TestContext, play: (scene: Scene) => Promise<void>): Promise<void> {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a', (req, res) => {
    if (req.url === '/large') return void res.end(LARGE);
    if (req.url === '/stuck') return;
    req.resume().once('end', () => res.end('a'));
  });
  await gateway.route({ backends: [backendOf(app)] });
  const load = startLoad({
    target: { host: '127.0.0.1', port: gateway.port },
    clients: [{ kind: 'keep-alive', method: 'POST', path: '/', body: 'x', count: 4, thinkMs: 2 }],
  });
  const session = http2.connect(`http://127.0.0.1:${gateway.port}`);
  t.after(() => session.destroy());
  const sibling = { answered: 0, failed: null as string | null };
  const askAgain = () => {
    const stream = session.request({ ':path': '/' });
    stream.on('error', (error) => (sibling.failed = error.message));
    stream.resume().once('end', () => {
      sibling.answered += 1;
      if (!session.closed) setTimeout(askAgain, 2);
    });
  };
  session.on('error', (error) => (sibling.failed = error.message));
  askAgain();
  t.after(() => load.stop());
  const answered = (more: number) => {
    const [first, second] = [load.stats().answered + more, sibling.answered + more];
    return eventually(
      'others are answered',
      () => load.stats().answered >= first && sibling.answered >= second,
    );
  };
  await answered(20);
  await play({ gateway, answered });
  await answered(20);
  const { failures } = await load.stop();
  assert.deepEqual([failures, sibling.failed], [[], null]);
}

const many = (bytes: Buffer, count = 500) => Buffer.concat(Array.from({ length: count }, () => bytes));
const head = (id: number, path: string, method = 'GET') =>
  frame(
    FRAME.headers,
    FLAG.endHeaders | (method === 'GET' ? FLAG.endStream : FLAG.none),
    id,
    requestFields(method, path),
  );

/** A new stream and a frame for it that undoes it, again and again. */
function undone(client: FrameClient, undo: (id: number) => Buffer): void {
  let id = 1;
  client.flood(() => {
    const frames: Buffer[] = [];
    for (let at = 0; at < 50; at += 1, id += 2) frames.push(head(id, '/stuck'), undo(id));
    return Buffer.concat(frames);
  });
}

/** Each of them ends the connection that it comes on. */
const ENDING: Readonly<Record<string, (client: FrameClient) => void>> = {
  'settings whose acknowledgements nobody reads': (client) => {
    client.socket.pause();
    client.flood(() => many(frame(FRAME.settings, FLAG.none, 0, setting(SETTINGS_INITIAL_WINDOW, 65_535))));
  },
  'one frame of thousands of settings': (client) =>
    client.flood(() => frame(FRAME.settings, FLAG.none, 0, many(setting(0xabc, 1), 2_000))),
  'acknowledgements of nothing': (client) => client.flood(() => many(frame(FRAME.settings, FLAG.ack, 0))),
  'pings whose answers nobody reads': (client) => {
    client.socket.pause();
    client.flood(() => many(frame(FRAME.ping, FLAG.none, 0, Buffer.alloc(8))));
  },
  'a head without end': (client) => {
    client.send(frame(FRAME.headers, FLAG.none, 1, requestFields()));
    client.flood(() => frame(FRAME.continuation, FLAG.none, 1, literal('x', 'y'.repeat(1_000))));
  },
  'a head without end and without a byte': (client) => {
    client.send(frame(FRAME.headers, FLAG.none, 1, requestFields()));
    client.flood(() => many(frame(FRAME.continuation, FLAG.none, 1)));
  },
  'streams that are reset at once (CVE-2023-44487)': (client) =>
    undone(client, (id) => frame(FRAME.reset, FLAG.none, id, uint32(8))),
  'streams that we have to reset at once (CVE-2025-8671)': (client) =>
    undone(client, (id) => frame(FRAME.windowUpdate, FLAG.none, id, uint32(0))),
  'a body of nothing without end': (client) => {
    client.send(head(1, '/', 'POST'));
    client.flood(() => many(frame(FRAME.data, FLAG.none, 1)));
  },
};

test('floods of frames end the connection that they come on', async (t) => {
  await beside(t, async ({ gateway, answered }) => {
    const before = await residentBytes(gateway);
    for (const [name, flood] of Object.entries(ENDING)) {
      const client = new FrameClient(t, gateway.port);
      // What is not read shows the end of its connection only in writing.
      client.socket.once('error', () => client.socket.destroy());
      flood(client);
      await eventually(`it ends: ${name}`, () => client.ended);
      await answered(5);
    }
    const grown = (await residentBytes(gateway)) - before;
    t.diagnostic(`${Math.round(grown / MEGABYTE)} MB more`);
    assert.ok(grown < GROWTH_BYTES_MAX, `${grown} bytes more`);
  });
});

test('one stream more than there may be is refused, not queued', async (t) => {
  await beside(t, async ({ gateway, answered }) => {
    const client = new FrameClient(t, gateway.port);
    for (let at = 0; at < streamsPerSessionMax + 50; at += 1) client.send(head(1 + 2 * at, '/stuck'));
    await eventually('they are refused', () => (client.seen.get(FRAME.reset) ?? 0) >= 50 || client.ended);
    await answered(20);
    await eventually('the others are under way', () => {
      const inFlight = gateway.counts('a')?.inFlight ?? 0;
      return inFlight >= streamsPerSessionMax / 2 && inFlight <= streamsPerSessionMax + 10;
    });
  });
});

test('windows that stay shut, and bodies in single bytes, cost what a stream may cost', async (t) => {
  await beside(t, async ({ gateway, answered }) => {
    const before = await residentBytes(gateway);
    const stalled = new FrameClient(t, gateway.port);
    stalled.send(frame(FRAME.settings, FLAG.none, 0, setting(SETTINGS_INITIAL_WINDOW, 0)));
    for (let at = 0; at < streamsPerSessionMax; at += 1) stalled.send(head(1 + 2 * at, '/large'));
    await eventually('all have begun', () => stalled.seen.get(FRAME.headers) === streamsPerSessionMax);
    await answered(50);
    const tiny = new FrameClient(t, gateway.port);
    for (let at = 0; at < 20; at += 1) {
      tiny.send(head(1 + 2 * at, '/stuck', 'POST'));
      tiny.send(many(frame(FRAME.data, FLAG.none, 1 + 2 * at, Buffer.from('x')), 5_000));
    }
    await eventually('it was read', () => tiny.socket.writableLength === 0);
    await answered(50);
    const grown = (await residentBytes(gateway)) - before;
    t.diagnostic(`${Math.round(grown / MEGABYTE)} MB more`);
    // All that the first of them asked for are two gigabytes.
    assert.ok(grown < GROWTH_BYTES_MAX, `${grown} bytes more`);
    assert.ok(!stalled.ended && !tiny.ended, 'neither did anything that is forbidden');
  });
});
