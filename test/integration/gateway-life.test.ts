/**
 * Hunts requests that are lost by the gateway's own life: a worker that is killed or hangs, a master that is killed,
 * an upgrade, a second one while the first still drains, one that fails (loss table, rows 12 and 13).
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { eventually } from '../contract/eventually.ts';
import { somePort } from '../contract/some-port.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import {
  ask,
  backendOf,
  type Harness,
  RawClient,
  startApp,
  startGateway,
  textOf,
} from './gateway-harness.ts';

const serving = ({ plane }: Harness) => plane.workers.filter(({ stage }) => stage === 'serving');

/** Two workers and one instance. */
async function started(t: TestContext): Promise<Harness> {
  const gateway = await startGateway(t, { workers: 2 });
  const app = await startApp(t, 'a');
  await gateway.route({ backends: [backendOf(app)] });
  await eventually('two workers serve', () => serving(gateway).length === 2);
  return gateway;
}

test('an upgrade under load loses nothing, and nothing of it is lost from the counts', async (t) => {
  const gateway = await started(t);
  const load = steadyLoad(t, gateway.port);
  await eventually('load is on', () => load.stats().answered > 20);
  const [before, pids] = [gateway.pid, serving(gateway).map(({ pid }) => pid)];
  assert.equal(await gateway.plane.upgrade(true), true);
  assert.notEqual(gateway.pid, before);
  await eventually('others serve', () => serving(gateway).length === 2);
  assert.deepEqual(
    serving(gateway).filter(({ pid }) => pids.includes(pid)),
    [],
  );
  await eventually('the old ones are gone', () => gateway.plane.workers.length === 2);
  const { answered } = await assertClean(load, load.stats().answered + 50);
  await gateway.plane.freshReport();
  assert.equal(gateway.counts('a')?.answered[0], answered);
});

test('the gateway of this version is not replaced unless that is asked for', async (t) => {
  const gateway = await startGateway(t);
  assert.equal(await gateway.plane.upgrade(false), false);
});

test('workers go when their master is lost and come back to the next one, with no request lost', async (t) => {
  const gateway = await started(t);
  const pids = serving(gateway).map(({ pid }) => pid);
  const load = steadyLoad(t, gateway.port);
  await eventually('load is on', () => load.stats().answered > 20);
  const killed = gateway.pid;
  process.kill(killed, 'SIGKILL');
  await eventually('another one runs', () => gateway.pid !== killed);
  await eventually('with the same workers', () => gateway.plane.workers.length === 2);
  assert.deepEqual(new Set(serving(gateway).map(({ pid }) => pid)), new Set(pids));
  const b = await startApp(t, 'b');
  await gateway.route({ backends: [backendOf(b)] });
  assert.equal(await textOf(ask(gateway.port)), 'b');
  await assertClean(load, load.stats().answered + 50);
});

test('a killed worker is replaced and its sibling serves meanwhile', async (t) => {
  const gateway = await started(t);
  const [victim] = serving(gateway);
  process.kill(victim?.pid ?? 0, 'SIGKILL');
  for (let i = 0; i < 20; i += 1) assert.equal(await textOf(ask(gateway.port)), 'a');
  await eventually(
    'there are two again',
    () => serving(gateway).filter(({ pid }) => pid !== victim?.pid).length === 2,
  );
});

test('an address more: others listen on it, and who is connected stays connected', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a');
  await gateway.route({ backends: [backendOf(app)] });
  const client = new RawClient(t, gateway.port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.until((text) => text.endsWith('a'), 'answered');
  const other = { host: '127.0.0.1', port: await somePort() };
  await gateway.route(
    { backends: [backendOf(app)] },
    { service: 'other', listen: other, backends: [backendOf(app)] },
  );
  assert.equal(await textOf(ask(other.port)), 'a');
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const text = await client.until(
    (all) => all.split('HTTP/1.1 200').length === 3 && all.endsWith('a'),
    'answered',
  );
  assert.doesNotMatch(text, /Connection: close/);
});

test('a worker that hangs is killed and replaced, and a routing waits for that and no longer', async (t) => {
  const gateway = await started(t);
  const [victim] = serving(gateway);
  assert.ok(victim);
  process.kill(victim.pid, 'SIGSTOP');
  const b = await startApp(t, 'b');
  assert.deepEqual((await gateway.route({ backends: [backendOf(b)] })).failed, []);
  await eventually('two serve', () => serving(gateway).filter(({ pid }) => pid !== victim.pid).length === 2);
  for (let i = 0; i < 20; i += 1) assert.equal(await textOf(ask(gateway.port)), 'b');
});

test('workers become more and fewer with the file, and nothing is lost', async (t) => {
  const gateway = await started(t);
  const a = await startApp(t, 'a');
  const load = steadyLoad(t, gateway.port);
  for (const workers of [3, 1, 2]) {
    gateway.settings = { workers };
    await gateway.route({ backends: [backendOf(a)] });
    await eventually(`${workers} serve`, () => serving(gateway).length === workers);
  }
  await assertClean(load);
});
