/** Hunts requests that wait for an instance (T7): lost at a drain (row 15), out of order, or without bound. */
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { ask, backendOf, RawClient, startApp, startGateway, textOf } from './gateway-harness.ts';
import { eventually } from '../contract/eventually.ts';
import type { Harness } from './gateway-harness.ts';

const holding = (gateway: Harness) => gateway.plane.report()?.services[0]?.holding;

test('requests wait in order, bodies unread, and go when an instance comes', async (t) => {
  const gateway = await startGateway(t);
  const order: string[] = [];
  const app = await startApp(t, 'a', (req, res) => {
    order.push(req.url ?? '');
    req.pipe(res);
  });
  await gateway.route({ backends: [], hold: { forMs: 60_000, requestsMax: 100 } });
  const waiting: Promise<string>[] = [];
  for (let i = 0; i < 20; i += 1) {
    waiting.push(textOf(ask(gateway.port, { path: `/${i}`, method: 'POST', body: `body ${i}` })));
    await eventually('it is held', () => holding(gateway) === i + 1);
  }
  await gateway.route({ backends: [backendOf(app)] });
  const answers = await Promise.all(waiting);
  assert.deepEqual(
    answers,
    [...waiting.keys()].map((i) => `body ${i}`),
  );
  assert.deepEqual(
    order.slice(0, 10),
    [...Array(10).keys()].map((i) => `/${i}`),
  );
  const report = gateway.plane.report();
  assert.equal(report?.services[0]?.heldTotal, 20);
});

test('a held request meets a drain and a new instance, and is answered', async (t) => {
  const gateway = await startGateway(t);
  const [old, next] = await Promise.all([startApp(t, 'old'), startApp(t, 'next')]);
  await gateway.route({ backends: [backendOf(old)] });
  await gateway.route({ backends: [] });
  const held = ask(gateway.port, { method: 'POST', body: 'x' });
  await eventually('it is held', () => holding(gateway) === 1);
  const draining = [{ id: 'old', requestsMs: 1_000, streamsMs: 1_000 }];
  await gateway.route({ backends: [], draining });
  old.kill();
  await gateway.route({ backends: [backendOf(next)], draining });
  assert.equal(await textOf(held), 'next');
});

test('room and time are bounded; a client that leaves makes room', async (t) => {
  const gateway = await startGateway(t);
  await gateway.route({ backends: [], hold: { forMs: 20_000, requestsMax: 1 } });
  const first = new RawClient(t, gateway.port);
  first.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually('it is held', () => holding(gateway) === 1);
  const full = await ask(gateway.port);
  assert.equal(full.status, 503);
  assert.equal(full.headers['segue-error'], 'hold-full');
  assert.equal(full.headers['retry-after'], '1');
  first.socket.destroy();
  await eventually('there is room', () => holding(gateway) === 0);
  await gateway.route({ backends: [], hold: { forMs: 100, requestsMax: 1 } });
  const expired = await ask(gateway.port);
  assert.equal(expired.status, 503);
  assert.equal(expired.headers['segue-error'], 'no-instance');
  await eventually('both are counted', () => gateway.plane.report()?.services[0]?.refused === 2);
});

test('the only instance crashed: requests wait for it, POST included, and go on in order', async (t) => {
  const gateway = await startGateway(t);
  const crashed = await startApp(t, 'a');
  await gateway.route({ backends: [backendOf(crashed)] });
  crashed.kill();
  const waiting = [...Array(20).keys()].map((i) =>
    ask(gateway.port, { method: i % 2 ? 'POST' : 'GET', ...(i % 2 ? { body: 'x' } : {}) }),
  );
  await eventually('all are held', () => (holding(gateway) ?? 0) >= 19);
  crashed.server.listen(crashed.port, '127.0.0.1');
  for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 200);
});

test('a service that leaves the routing answers those who wait for it', async (t) => {
  const gateway = await startGateway(t);
  await gateway.route({ backends: [] });
  const held = ask(gateway.port);
  await eventually('it is held', () => holding(gateway) === 1);
  await gateway.route();
  assert.equal((await held).status, 503);
});

test('a thousand wait and all go on, the first before the last', async (t) => {
  const gateway = await startGateway(t);
  const order: number[] = [];
  // On kept connections some would overtake those on new ones: Node accepts one connection a turn.
  const serves = (req: IncomingMessage, res: ServerResponse) => {
    order.push(Number(req.url?.slice(1)));
    res.setHeader('Connection', 'close').end('served');
  };
  // Were all sent at once, the system would keep most out and try them again a second later.
  const app = await startApp(t, 'a', serves, 300);
  await gateway.route({ backends: [], hold: { forMs: 120_000, requestsMax: 1_000 } });
  const waiting: Promise<string>[] = [];
  for (let group = 0; group < 10; group += 1) {
    for (let i = 0; i < 100; i += 1) waiting.push(textOf(ask(gateway.port, { path: `/${group}` })));
    await eventually('they are held', () => holding(gateway) === waiting.length);
  }
  assert.equal((await ask(gateway.port)).status, 503);
  await gateway.route({ backends: [backendOf(app)] });
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['served']));
  // Those who are let go together may arrive in any order.
  const half = order.slice(0, 300);
  assert.ok(Math.max(...half) < Math.min(...order.slice(-300)), half.join(' '));
});

test('an upload that waits is not read into memory, and arrives whole in the end', async (t) => {
  const gateway = await startGateway(t);
  let size = 0;
  const app = await startApp(t, 'a', (req, res) => {
    req.on('data', (part: Buffer) => (size += part.length));
    req.on('end', () => res.end(`all ${size}`));
  });
  await gateway.route({ backends: [], hold: { forMs: 60_000, requestsMax: 10 } });
  const part = Buffer.alloc(1024 * 1024, 'x');
  const whole = 64 * part.length;
  const client = new RawClient(t, gateway.port);
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${whole}\r\n\r\n`);
  for (let sent = 0; sent < whole; sent += part.length) client.socket.write(part);
  await eventually('it is held', () => holding(gateway) === 1);
  let left = Infinity;
  await eventually('nothing more is taken', async () => {
    const before = left;
    left = client.socket.writableLength;
    await setTimeout(200);
    return left === before;
  });
  // The buffers of the system take some.
  assert.ok(left > whole / 2, `${left} of ${whole} bytes are still here`);
  await gateway.route({ backends: [backendOf(app)] });
  await client.until((received) => received.includes(`all ${whole}`), 'answered');
});
