/**
 * Hunts an instance that gets more than it may, a request that waits while there is room or is passed by others
 * (T7), a wait without bound or that outlives its client, and room that is lost when something ends badly.
 */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test, type TestContext } from 'node:test';
import { eventually } from '../contract/eventually.ts';
import { DEFAULT_POLICY, type InstanceBounds, type Policy } from '../../src/core/traffic/policy.ts';
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

function bounded(bounds: Partial<InstanceBounds>, queue: Policy['queue'] = DEFAULT_POLICY.queue): Policy {
  return { ...DEFAULT_POLICY, queue, instance: { requestsMax: null, connectionsMax: null, ...bounds } };
}

const LONG = { forMs: 60_000, requestsMax: 1_000 };
const holding = (gateway: Harness) => gateway.plane.report()?.services[0]?.holding ?? -1;

/** Answers when it is told to, and knows how many it had at once. */
async function startSlow(t: TestContext, id: string) {
  const waiting: { readonly url: string; readonly response: ServerResponse }[] = [];
  const urls: string[] = [];
  const app = await startApp(t, id, (req, res) => {
    const entry = { url: req.url ?? '', response: res };
    urls.push(entry.url);
    waiting.push(entry);
    slow.most = Math.max(slow.most, waiting.length);
    req.resume();
  });
  const slow = { app, waiting, urls, most: 0, answer: () => waiting.shift()?.response.end(id) };
  return slow;
}

test('no instance has more in flight than it may; the others wait in order and all are answered', async (t) => {
  const gateway = await startGateway(t);
  const [a, b] = await Promise.all([startSlow(t, 'a'), startSlow(t, 'b')]);
  const policy = bounded({ requestsMax: 2 }, LONG);
  await gateway.route({ backends: [backendOf(a.app), backendOf(b.app)], policy });
  const answers: Promise<string>[] = [];
  for (let i = 0; i < 24; i += 1) {
    answers.push(textOf(ask(gateway.port, { path: `/${i}` })));
    await eventually(
      'it is there or waits',
      () => a.urls.length + b.urls.length + Math.max(0, holding(gateway)) === i + 1,
    );
  }
  assert.equal(holding(gateway), 20);
  const order = [...a.urls, ...b.urls].length;
  for (let i = order; i < 24; i += 1) {
    const from = i % 2 ? a : b;
    from.answer();
    await eventually('the next one comes', () => a.urls.length + b.urls.length === i + 1);
    assert.equal(from.urls.at(-1), `/${i}`, 'the one that waited longest');
  }
  for (let i = 0; i < 2; i += 1) {
    a.answer();
    b.answer();
  }
  assert.equal((await Promise.all(answers)).length, 24);
  assert.deepEqual([a.most, b.most], [2, 2]);
});

test('room and time of the queue are bounded; a client that leaves makes room', async (t) => {
  const gateway = await startGateway(t);
  const slow = await startSlow(t, 'slow');
  const backends = [backendOf(slow.app)];
  await gateway.route({ backends, policy: bounded({ requestsMax: 1 }, { forMs: 60_000, requestsMax: 1 }) });
  const first = textOf(ask(gateway.port));
  await eventually('it is there', () => slow.waiting.length === 1);
  const second = new RawClient(t, gateway.port);
  second.send('GET /second HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually('it waits', () => holding(gateway) === 1);
  const full = await ask(gateway.port);
  assert.equal(full.status, 503);
  assert.equal(full.headers['segue-error'], 'queue-full');
  assert.equal(full.headers['retry-after'], '1');
  second.socket.destroy();
  await eventually('there is room', () => holding(gateway) === 0);
  await gateway.route({ backends, policy: bounded({ requestsMax: 1 }, { forMs: 50, requestsMax: 10 }) });
  const late = await ask(gateway.port);
  assert.equal(late.status, 503);
  assert.equal(late.headers['segue-error'], 'queue-late');
  assert.equal(late.headers['retry-after'], '1');
  slow.answer();
  assert.equal(await first, 'slow');
  assert.deepEqual(slow.urls, ['/'], 'the one that left never came');
});

test('what ends badly gives its room back', async (t) => {
  const gateway = await startGateway(t);
  let asked = 0;
  const bad = await startRaw(t, 'bad', (socket) =>
    socket.once('data', () => {
      asked += 1;
      if (asked % 2) socket.destroy();
      else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort');
    }),
  );
  const policy = bounded({ requestsMax: 1, connectionsMax: 1 }, LONG);
  await gateway.route({ backends: [backendOf(bad)], policy });
  const all = [...Array(12).keys()].map(() =>
    ask(gateway.port, { method: 'POST', body: 'x' }).then(
      ({ status }) => status,
      () => 0,
    ),
  );
  for (const status of await Promise.all(all)) assert.ok(status === 502 || status === 0, String(status));
  assert.equal(asked, 12);
});

test('a client that sends ahead does not pass those who wait', async (t) => {
  const gateway = await startGateway(t);
  const slow = await startSlow(t, 'slow');
  await gateway.route({ backends: [backendOf(slow.app)], policy: bounded({ requestsMax: 1 }, LONG) });
  const greedy = new RawClient(t, gateway.port);
  greedy.send([...Array(5).keys()].map((i) => `GET /greedy${i} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
  await eventually('its first is there', () => slow.waiting.length === 1);
  const other = textOf(ask(gateway.port, { path: '/other' }));
  await eventually('the other waits', () => holding(gateway) === 1);
  slow.answer();
  await eventually('the next one is there', () => slow.urls.length === 2);
  assert.deepEqual(slow.urls, ['/greedy0', '/other']);
  slow.answer();
  assert.equal(await other, 'slow');
});

test('connections in use are bounded, and a WebSocket is one', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a');
  app.server.on('upgrade', (_req, socket) => {
    socket.on('error', () => undefined);
    socket.resume().once('end', () => socket.end());
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  });
  const policy = bounded({ connectionsMax: 1 }, LONG);
  await gateway.route({ backends: [backendOf(app)], policy });
  for (let i = 0; i < 3; i += 1)
    assert.equal(await textOf(ask(gateway.port)), 'a', 'a kept one is not in use');
  const tunnel = new RawClient(t, gateway.port);
  tunnel.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  await tunnel.until((received) => received.includes('101 '), 'open');
  const waiting = textOf(ask(gateway.port));
  await eventually('it waits', () => holding(gateway) === 1);
  tunnel.socket.destroy();
  assert.equal(await waiting, 'a');
});

test('bounds that a routing lifts let everybody go', async (t) => {
  const gateway = await startGateway(t);
  const slow = await startSlow(t, 'slow');
  const backends = [backendOf(slow.app)];
  await gateway.route({ backends, policy: bounded({ requestsMax: 1 }, LONG) });
  const answers = [...Array(10).keys()].map(() => textOf(ask(gateway.port)));
  await eventually('nine wait', () => holding(gateway) === 9);
  await gateway.route({ backends });
  await eventually('all are there', () => slow.waiting.length === 10);
  for (const { response } of [...slow.waiting]) response.end('done');
  assert.deepEqual(new Set(await Promise.all(answers)), new Set(['done']));
});

test('several workers together keep to the bound', async (t) => {
  const gateway = await startGateway(t, { workers: 2 });
  const slow = await startSlow(t, 'slow');
  await gateway.route({ backends: [backendOf(slow.app)], policy: bounded({ requestsMax: 4 }, LONG) });
  const answers = [...Array(30).keys()].map(() => textOf(ask(gateway.port)));
  for (let left = 30; left > 0; left -= 1) {
    await eventually('there is one to answer', () => slow.waiting.length > 0);
    assert.ok(slow.waiting.length <= 4);
    slow.answer();
  }
  assert.deepEqual(new Set(await Promise.all(answers)), new Set(['slow']));
});
