/**
 * Hunts a gateway that needs control, believes an old one, lies in an acknowledgement, or cannot be found again.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../src/drivers/clock/system.ts';
import { GatewayPlane } from '../../src/drivers/traffic/gateway/gateway-plane.ts';
import type { PlaneEvent } from '../../src/ports/traffic-plane.ts';
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
import { portOf } from '../contract/some-port.ts';
import { eventually } from '../contract/eventually.ts';
import { DEFAULT_SETTINGS } from '../../src/core/traffic/settings.ts';

async function refused(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  const outcome = await new Promise((resolve) => {
    socket.once('connect', () => resolve('taken'));
    socket.once('error', () => resolve('refused'));
  });
  socket.destroy();
  return outcome === 'refused';
}

/** A second control of the same project. */
function secondPlane(t: TestContext, { root }: Harness): { plane: GatewayPlane; events: PlaneEvent[] } {
  const plane = new GatewayPlane({ root, mainFile: GATEWAY_MAIN, clock: systemClock });
  const events: PlaneEvent[] = [];
  plane.onEvent((event) => events.push(event));
  t.after(() => plane.close());
  return { plane, events };
}

test('it serves on when control goes, and is found again with its routing', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a');
  await gateway.route({ backends: [backendOf(app)] });
  await gateway.plane.close();
  assert.equal(await textOf(ask(gateway.port)), 'a');
  const second = secondPlane(t, gateway);
  await second.plane.open(2);
  assert.deepEqual(second.events, [{ type: 'adopted', pid: gateway.pid, routing: 1 }]);
  await second.plane.stop(0);
});

test('a newer control wins: the older one is refused, and its routing with it (R7)', async (t) => {
  const gateway = await startGateway(t);
  const [mine, theirs] = await Promise.all([startApp(t, 'mine'), startApp(t, 'theirs')]);
  await gateway.route({ backends: [backendOf(mine)] });
  const second = secondPlane(t, gateway);
  await second.plane.open(2);
  const services = [serviceRouting(gateway.port, { backends: [backendOf(theirs)] })];
  await assert.rejects(gateway.route({ backends: [] }), { code: 'FENCED_OUT' });
  await second.plane.apply({ number: 9, fence: 2, services, settings: DEFAULT_SETTINGS });
  await assert.rejects(
    second.plane.apply({ number: 8, fence: 2, services: [], settings: DEFAULT_SETTINGS }),
    { code: 'FENCED_OUT' },
  );
  assert.equal(await textOf(ask(gateway.port)), 'theirs');
  const third = secondPlane(t, gateway);
  await assert.rejects(third.plane.open(1), { code: 'FENCED_OUT' });
  await second.plane.stop(0);
});

test('a gateway killed with all its workers is started again and gets the last routing without being asked', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a');
  await gateway.route({ backends: [backendOf(app)] });
  const events: PlaneEvent[] = [];
  gateway.plane.onEvent((event) => events.push(event));
  const killed = gateway.pid;
  await eventually('its workers are known', () => gateway.plane.workers.length > 0);
  for (const { pid } of gateway.plane.workers) process.kill(pid, 'SIGKILL');
  process.kill(killed, 'SIGKILL');
  await eventually('another one runs', () => events.some(({ type }) => type === 'started'));
  assert.notEqual(gateway.pid, killed);
  assert.equal(events[0]?.type, 'lost');
  const answer = await eventually('it serves', () => textOf(ask(gateway.port)).catch(() => null));
  assert.equal(answer, 'a');
});

test('a taken port is in the acknowledgement, the rest is in force, and the next routing tries again', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a');
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const listen = { host: '127.0.0.1', port: portOf(taken.address()) };
  const services = [
    { backends: [backendOf(app)] },
    { service: 'other', listen, backends: [backendOf(app)] },
    { service: 'third', listen: { host: '192.0.2.1', port: listen.port }, backends: [] },
  ];
  const { failed } = await gateway.route(...services);
  const codes = failed.map(({ code, listen: { host } }) => `${code} ${host}`);
  assert.deepEqual(codes, ['PORT_IN_USE 127.0.0.1', 'LISTEN_REFUSED 192.0.2.1']);
  assert.equal(await textOf(ask(gateway.port)), 'a');
  await new Promise((resolve) => taken.close(resolve));
  assert.equal((await gateway.route(...services)).failed.length, 1);
  assert.equal(await textOf(ask(listen.port)), 'a');
  await gateway.route({ backends: [backendOf(app)] });
  await assert.rejects(ask(listen.port), { code: 'ECONNREFUSED' });
});

test("clients' connections outlive routings (T4)", async (t) => {
  const gateway = await startGateway(t);
  const [a, b] = await Promise.all([startApp(t, 'a'), startApp(t, 'b')]);
  await gateway.route({ backends: [] });
  const client = new RawClient(t, gateway.port);
  let answers = 0;
  for (const backends of [[a], [b], [a, b], [b]]) {
    await gateway.route({ backends: backends.map(backendOf) });
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    answers += 1;
    await client.until((text) => text.split('HTTP/1.1 200').length === answers + 1, 'answered');
  }
});

test('stop finishes what is under way, with the connection closed after it', async (t) => {
  const gateway = await startGateway(t);
  let finish = () => {};
  const app = await startApp(t, 'a', (_req, res) => {
    finish = () => res.end('whole');
  });
  await gateway.route({ backends: [backendOf(app)] });
  const client = new RawClient(t, gateway.port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually('it is under way', () => gateway.counts('a')?.inFlight === 1);
  const stopped = gateway.plane.stop(10_000);
  await eventually('no new connection is taken', () => refused(gateway.port));
  finish();
  assert.match(await client.untilEnd(), /Connection: close\r\n[^]*whole$/);
  await stopped;
});

test('what is not understood is refused by name, and only that connection ends', async (t) => {
  const gateway = await startGateway(t);
  const socketFile = path.join(gateway.root, '.segue/gateway.sock');
  const mode = (await fs.stat(socketFile)).mode & 0o777;
  assert.equal(mode & 0o077, 0);
  assert.equal((await fs.stat(path.dirname(socketFile))).mode & 0o077, 0);
  const say = async (line: string) => {
    const socket = net.connect(socketFile);
    let heard = '';
    socket.on('data', (chunk) => (heard += chunk.toString()));
    socket.write(`${line}\n`);
    await once(socket, 'close');
    return heard;
  };
  const hello = { type: 'hello', protocol: 1, fence: 1 };
  assert.match(await say('no json'), /"refused".*BAD_REQUEST/);
  assert.match(await say(JSON.stringify({ ...hello, protocol: 99 })), /speaks protocol 1, control 99/);
  assert.match(await say(JSON.stringify({ type: 'stop', graceMs: 0 })), /hello comes first/);
  assert.equal((await gateway.route({ backends: [] })).failed.length, 0);
});

test('a second gateway leaves the first one alone', async (t) => {
  const gateway = await startGateway(t);
  const second = spawn(process.execPath, [GATEWAY_MAIN, '--dir', gateway.root], { stdio: 'ignore' });
  const [code] = await once(second, 'exit');
  assert.equal(code, 1);
  assert.equal((await gateway.route({ backends: [] })).number, 1);
});

test('a gateway that cannot start says why', async (t) => {
  const gateway = await startGateway(t);
  const plane = new GatewayPlane({
    root: path.join(gateway.root, 'elsewhere'),
    mainFile: path.join(gateway.root, 'missing.ts'),
    clock: systemClock,
  });
  await assert.rejects(plane.open(1), { code: 'GATEWAY_UNREACHABLE', message: /Cannot find module/ });
});
