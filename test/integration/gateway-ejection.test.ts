/**
 * Hunts an instance that keeps failing and keeps getting requests, one that is well again and gets none, a service
 * whose last instance is taken away, and a version that looks healthy because what failed of it was put aside (R8).
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { eventually } from '../contract/eventually.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/core/traffic/policy.ts';
import {
  ask,
  backendOf,
  type App,
  type Harness,
  startApp,
  startGateway,
  startRaw,
  statusesOf,
} from './gateway-harness.ts';

const policyWith = (forMs: number): Policy => ({ ...DEFAULT_POLICY, ejection: { failures: 3, forMs } });
const LONG = policyWith(600_000);

interface Flaky extends App {
  asked: number;
  status: number;
}

async function startFlaky(t: TestContext, id: string, status = 500): Promise<Flaky> {
  const app: App = await startApp(t, id, (req, res) => {
    flaky.asked += 1;
    res.statusCode = flaky.status;
    req.resume().once('end', () => res.end(id));
  });
  const flaky: Flaky = Object.assign(app, { asked: 0, status });
  return flaky;
}

const isOut = (gateway: Harness, id: string) => gateway.counts(id)?.ejected === true;

test('an instance that answers 500 again and again gets no more, and the report says so', async (t) => {
  const gateway = await startGateway(t);
  const [good, bad] = await Promise.all([startApp(t, 'good'), startFlaky(t, 'bad')]);
  await gateway.route({ backends: [backendOf(good), backendOf(bad)], policy: LONG });
  const statuses = await statusesOf(gateway.port, 30);
  assert.equal(statuses.filter((status) => status === 500).length, 3);
  assert.equal(bad.asked, 3);
  await eventually('it is reported', () => isOut(gateway, 'bad'));
  assert.equal(gateway.counts('bad')?.ejections, 1);
  assert.equal(isOut(gateway, 'good'), false);
});

test('one that breaks off, one that is refused and one that is late are failures; a client that leaves is not', async (t) => {
  const gateway = await startGateway(t);
  const good = await startApp(t, 'good');
  const reset = await startRaw(t, 'reset', (socket) => socket.once('data', () => socket.destroy()));
  const late = await startRaw(t, 'late', (socket) => socket.resume());
  const policy = LONG;
  await gateway.route({ backends: [good, reset].map(backendOf), policy });
  await statusesOf(gateway.port, 20, { method: 'POST', body: 'x' });
  await eventually('the one that breaks off is out', () => isOut(gateway, 'reset'));
  await gateway.route({ backends: [good, late].map(backendOf), policy, responseMs: 1_000 });
  // As often as it takes: while requests wait for the late one, the good one gets most of the others.
  const statuses = new Set<number>();
  await eventually('the late one is out', async () => {
    const all = await Promise.all(Array.from({ length: 12 }, () => ask(gateway.port)));
    for (const { status } of all) statuses.add(status);
    return isOut(gateway, 'late');
  });
  assert.deepEqual(statuses, new Set([200, 504]));
  assert.equal(isOut(gateway, 'good'), false);
  const gone = await startRaw(t, 'gone', (socket) => socket.resume());
  await gateway.route({ backends: [good, gone].map(backendOf), policy });
  for (let i = 0; i < 20; i += 1)
    await ask(gateway.port, { timeout: 1, signal: AbortSignal.timeout(20) }).catch(() => undefined);
  assert.equal(isOut(gateway, 'gone'), false);
});

test('after its time one request finds out, and it is back', async (t) => {
  const gateway = await startGateway(t);
  const [good, bad] = await Promise.all([startApp(t, 'good'), startFlaky(t, 'bad')]);
  await gateway.route({ backends: [backendOf(good), backendOf(bad)], policy: policyWith(50) });
  await eventually('it is out', async () => {
    await ask(gateway.port);
    return isOut(gateway, 'bad');
  });
  bad.status = 200;
  await eventually('it is back', async () => {
    await ask(gateway.port);
    return !isOut(gateway, 'bad');
  });
  const before = bad.asked;
  assert.deepEqual(new Set(await statusesOf(gateway.port, 20)), new Set([200]));
  assert.ok(bad.asked - before >= 5, 'with its part of the requests');
});

test('the last instance of a version is never put out, nor more than half of them', async (t) => {
  const gateway = await startGateway(t);
  const bad = await Promise.all(['a', 'b', 'c', 'd'].map((id) => startFlaky(t, id)));
  await gateway.route({ backends: bad.map(backendOf), policy: LONG });
  await statusesOf(gateway.port, 60);
  await eventually('half of them are out', () => bad.filter(({ id }) => isOut(gateway, id)).length === 2);
  const [first, ...rest] = bad;
  assert.ok(first);
  await gateway.route({ backends: [backendOf(first)], policy: LONG });
  assert.equal((await ask(gateway.port)).status, 500, 'its own answer, whether it was out or not');
  await gateway.route({ backends: rest.map(backendOf), policy: LONG });
  const candidate = { ...backendOf(first), version: 'v2' };
  await gateway.route({ backends: [candidate, ...rest.map(backendOf)], policy: LONG });
  for (const app of rest) app.status = 200;
  const before = first.asked;
  await statusesOf(gateway.port, 40);
  assert.ok(first.asked - before >= 5, 'a candidate that fails goes on failing where it is seen');
});

test('only one request finds out, however many come meanwhile', async (t) => {
  const gateway = await startGateway(t);
  let silent = false;
  let asked = 0;
  const good = await startApp(t, 'good');
  const bad = await startApp(t, 'bad', (req, res) => {
    req.resume();
    asked += 1;
    if (!silent) res.writeHead(500).end();
  });
  await gateway.route({ backends: [backendOf(good), backendOf(bad)], policy: policyWith(1_000) });
  await eventually('it is out', async () => {
    await ask(gateway.port);
    return isOut(gateway, 'bad');
  });
  silent = true;
  asked = 0;
  await eventually('one found its way', async () => {
    await Promise.race([ask(gateway.port), eventually('it has one', () => asked > 0)]);
    return asked > 0;
  });
  const others = await Promise.all([...Array(20).keys()].map(() => ask(gateway.port)));
  assert.deepEqual(new Set(others.map(({ status }) => status)), new Set([200]));
  assert.equal(asked, 1);
  bad.kill();
});

test('a connection that was kept and that the instance then closes is no failure of it', async (t) => {
  const gateway = await startGateway(t);
  const good = await startApp(t, 'good');
  let died = 0;
  const short = await startRaw(t, 'short', (socket) => {
    let asked = 0;
    socket.on('data', () => {
      asked += 1;
      if (asked === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      else socket.destroy();
      if (asked > 1) died += 1;
    });
  });
  const policy = { ...DEFAULT_POLICY, ejection: { failures: 1, forMs: 600_000 } };
  await gateway.route({ backends: [good, short].map(backendOf), policy });
  for (let i = 0; i < 20; i += 1) assert.equal((await ask(gateway.port)).status, 200);
  assert.ok(died >= 3, `${died} died`);
  assert.equal(isOut(gateway, 'short'), false);
});
