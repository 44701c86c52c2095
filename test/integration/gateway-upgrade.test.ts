/**
 * Hunts what an upgrade of the gateway loses when things go wrong: new code that does not start, hangs or dies half
 * way (loss table, row 13), connections that wait in the kernel while nobody accepts (row 1), idle connections that
 * are closed as their next request comes (row 2), descriptors that leak. Rows 1 and 2 begin with a server that does
 * it the plain way, and the same clients lose.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { DEFAULT_SETTINGS } from '../../src/core/traffic/settings.ts';
import { systemClock } from '../../src/drivers/clock/system.ts';
import { GatewayPlane } from '../../src/drivers/traffic/gateway/gateway-plane.ts';
import { eventually } from '../contract/eventually.ts';
import { portOf } from '../contract/some-port.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import {
  ask,
  backendOf,
  GATEWAY_MAIN,
  type Harness,
  RawClient,
  serviceRouting,
  startApp,
  startGateway,
  textOf,
} from './gateway-harness.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** One service with one instance, `a`. */
async function started(t: TestContext): Promise<Harness> {
  const gateway = await startGateway(t);
  await gateway.route({ backends: [backendOf(await startApp(t, 'a'))] });
  await eventually('its workers are known', () => gateway.plane.workers.length > 0);
  return gateway;
}

/** A control whose newest gateway is this program. */
async function planeWith(t: TestContext, { root }: Harness, program: string): Promise<GatewayPlane> {
  const mainFile = path.join(root, 'new-gateway.mjs');
  await fs.writeFile(mainFile, program);
  const plane = new GatewayPlane({ root, mainFile, clock: systemClock });
  await plane.open(1);
  t.after(() => plane.close());
  return plane;
}

const TROUBLES: readonly (readonly [string, string, RegExp])[] = [
  ['ends at once', 'process.exit(3);', /exit code 3/],
  ['cannot be loaded', "import './missing.mjs';", /exit code 1/],
  ['dies when it gets the sockets', "process.on('message', () => process.kill(process.pid, 9));", /SIGKILL/],
  [
    'dies when it is to take over',
    "process.on('message', ({ type }) => { if (type === 'yours') process.exit(1); process.send({ type: 'ready' }); });",
    /ended when it was to take over/,
  ],
  [
    'says that it cannot',
    "process.send({ type: 'failed', reason: 'no luck' }); setInterval(() => {}, 1000);",
    /no luck/,
  ],
  ['does not speak the language', "process.send('?'); setInterval(() => {}, 1000);", /not understood/],
  ['hangs', 'setInterval(() => {}, 1000);', /not ready within/],
];

for (const [what, program, why] of TROUBLES)
  test(`new code that ${what}: the old gateway goes on and control says why`, async (t) => {
    const gateway = await started(t);
    const load = steadyLoad(t, gateway.port);
    const plane = await planeWith(t, gateway, program);
    const { pid } = gateway;
    await assert.rejects(plane.upgrade(true), { code: 'GATEWAY_UPGRADE_FAILED', message: why });
    assert.equal((await gateway.route({ backends: [backendOf(await startApp(t, 'b'))] })).failed.length, 0);
    assert.equal(await textOf(ask(gateway.port)), 'b');
    assert.equal(gateway.pid, pid);
    await assertClean(load);
    assert.equal(await gateway.plane.upgrade(true), true);
  });

const clientsOf = (t: TestContext, port: number, count: number) =>
  Array.from({ length: count }, () => new RawClient(t, port));

const isAnswered = ({ received }: RawClient, times = 1) => received.split(' 200 OK\r\n').length === times + 1;

/** How many have no answer when each has one or is ended. */
async function lostOf(clients: readonly RawClient[], times = 1): Promise<number> {
  await eventually('each is answered or ended', () =>
    clients.every((client) => client.ended || isAnswered(client, times)),
  );
  return clients.filter((client) => !isAnswered(client, times)).length;
}

async function listening(t: TestContext, port = 0): Promise<http.Server> {
  const server = http.createServer((_, response) => response.end('a'));
  server.listen({ host: '127.0.0.1', port, reusePort: true });
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return server;
}

test('who waits in the queue of a listener that is closed is lost, where each worker has its own (row 1)', async (t) => {
  const one = await listening(t);
  const other = await listening(t, portOf(one.address()));
  const clients = clientsOf(t, portOf(one.address()), 100);
  for (const client of clients) client.send(GET);
  // They connect as this turn ends, and nobody accepts before the next one.
  await new Promise<void>((resolve) => process.nextTick(resolve));
  other.close();
  assert.ok((await lostOf(clients)) > 0, 'the clients see what a naive gateway loses');
});

test('who waits in the kernel while no worker accepts is answered by the next one (row 1)', async (t) => {
  const gateway = await started(t);
  const [worker] = gateway.plane.workers;
  assert.ok(worker);
  process.kill(worker.pid, 'SIGSTOP');
  t.after(() => wake(worker.pid));
  const clients = clientsOf(t, gateway.port, 100);
  for (const client of clients) client.send(GET);
  await gateway.plane.upgrade(true);
  assert.equal(await lostOf(clients), 0);
  // It closes its copy of the socket now, with others waiting in the same queue.
  wake(worker.pid);
  const later = clientsOf(t, gateway.port, 100);
  for (const client of later) client.send(GET);
  assert.equal(await lostOf(later), 0);
});

test('an idle connection that is closed as its client writes is lost (row 2)', async (t) => {
  const server = await listening(t);
  const clients = clientsOf(t, portOf(server.address()), 20);
  for (const client of clients) client.send(GET);
  assert.equal(await lostOf(clients), 0);
  for (const client of clients) client.send(GET);
  server.closeIdleConnections();
  assert.equal(await lostOf(clients, 2), 20, 'the clients see what a naive gateway loses');
});

test('an idle connection gets its next answer from the gateway before, with the end of the connection (row 2)', async (t) => {
  const gateway = await started(t);
  const clients = clientsOf(t, gateway.port, 20);
  for (const client of clients) client.send(GET);
  assert.equal(await lostOf(clients), 0);
  for (let upgrade = 0; upgrade < 3; upgrade += 1) await gateway.plane.upgrade(true);
  for (const client of clients) {
    assert.equal(client.ended, false);
    client.send(GET);
  }
  for (const client of clients) {
    const [, , again] = (await client.untilEnd()).split('HTTP/1.1 ');
    assert.match(again ?? '', /^200 OK\r\n(?=[^]*Connection: close\r\n)[^]*\r\n\r\na$/);
  }
  await eventually('the older ones are gone', () => gateway.plane.workers.length === 1);
});

test('what was released for another address is told nothing, and an upgrade tells it', async (t) => {
  const gateway = await started(t);
  const client = new RawClient(t, gateway.port);
  client.send(GET);
  await client.until((text) => text.endsWith('\r\n\r\na'), 'answered');
  const listen = { host: '127.0.0.2', port: gateway.port };
  const app = await startApp(t, 'b');
  const services = [{ backends: [backendOf(app)] }, { service: 'other', listen, backends: [backendOf(app)] }];
  await gateway.route(...services);
  client.send(GET);
  const text = await client.until((all) => all.endsWith('\r\n\r\nb'), 'answered by the routing of now');
  assert.doesNotMatch(text, /Connection: close/);
  const released = await eventually('it is released', () =>
    gateway.plane.workers.find(({ stage }) => stage === 'released'),
  );
  await gateway.plane.upgrade(true);
  await eventually('it retires', () =>
    gateway.plane.workers.some(({ pid, stage }) => pid === released.pid && stage === 'retiring'),
  );
  client.send(GET);
  assert.match(await client.untilEnd(), /Connection: close/);
});

test('upgrades and replaced workers leave no descriptor and no process behind', async (t) => {
  const gateway = await started(t);
  const descriptors = async () => (await fs.readdir(`/proc/${gateway.pid}/fd`)).length;
  await gateway.plane.upgrade(true);
  await eventually('one worker', () => gateway.plane.workers.length === 1);
  const before = await descriptors();
  for (let round = 0; round < 5; round += 1) {
    await gateway.plane.upgrade(true);
    await eventually('one worker', () => gateway.plane.workers.length === 1);
    const [worker] = gateway.plane.workers;
    process.kill(worker?.pid ?? 0, 'SIGKILL');
    await eventually('another worker', () => {
      const [now] = gateway.plane.workers;
      return now !== undefined && now.pid !== worker?.pid;
    });
    assert.equal(await textOf(ask(gateway.port)), 'a');
  }
  await eventually(`${before} descriptors again`, async () => (await descriptors()) === before);
  const left = await fs.readdir(path.join(gateway.root, '.segue'));
  assert.deepEqual(
    left.filter((name) => /\.sock\./.test(name)),
    [],
  );
});

test('two gateways that start at once: one is left, and it serves', async (t) => {
  const gateway = await started(t);
  const planes = [1, 2].map(() => new GatewayPlane({ ...planeOptions(gateway) }));
  t.after(() => Promise.all(planes.map((plane) => plane.close())));
  await gateway.plane.stop(0);
  await Promise.all(planes.map((plane) => plane.open(3)));
  const [first] = planes;
  const app = await startApp(t, 'b');
  const services = [serviceRouting(gateway.port, { backends: [backendOf(app)] })];
  const settings = { ...DEFAULT_SETTINGS, workers: 1 };
  await eventually('it takes a routing', async () => {
    const ack = await first?.apply({ number: 9, fence: 3, services, settings }).catch(() => null);
    return ack?.failed.length === 0;
  });
  assert.equal(await textOf(ask(gateway.port)), 'b');
  await first?.stop(0);
});

const planeOptions = ({ root }: Harness) => ({ root, mainFile: GATEWAY_MAIN, clock: systemClock });

function wake(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // It is gone.
  }
}
