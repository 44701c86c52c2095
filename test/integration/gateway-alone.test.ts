/**
 * Hunts a gateway that cannot live without control: a lost master that nobody replaces, one that is kept from the
 * port by the workers of the one before, a routing on disk that is half used or not used at all, and sockets of the
 * service manager that are not.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Backend, ServiceRouting } from '../../src/core/traffic/routing.ts';
import { DEFAULT_SETTINGS } from '../../src/core/traffic/settings.ts';
import { systemClock } from '../../src/drivers/clock/system.ts';
import { GatewayPlane } from '../../src/drivers/traffic/gateway/gateway-plane.ts';
import { SnapshotFile } from '../../src/gateway/master/snapshot-file.ts';
import { eventually } from '../contract/eventually.ts';
import { somePort } from '../contract/some-port.ts';
import {
  emptyRoot,
  gatewayUnder,
  killUnder,
  logOf,
  startActivated,
  startMaster,
} from '../support/gateway-process.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { ask, backendOf, GATEWAY_MAIN, serviceRouting, startApp, textOf } from './gateway-harness.ts';

const ROUTING = '.segue/routing.json';

interface Alone {
  readonly root: string;
  readonly port: number;
  readonly app: Backend;
  readonly master: number;
}

/** A gateway with one instance, `a`, whose control has gone. */
async function alone(t: TestContext): Promise<Alone> {
  const [root, port, app] = [await emptyRoot(t), await somePort(), await startApp(t, 'a')];
  const plane = await control(t, root);
  let master = 0;
  plane.onEvent((event) => {
    if (event.type !== 'lost') master = event.pid;
  });
  await plane.open(1);
  await apply(plane, 1, serviceRouting(port, { backends: [backendOf(app)] }));
  await eventually('the routing is on disk', () => onDisk(root));
  await plane.close();
  return { root, port, app: backendOf(app), master };
}

async function control(t: TestContext, root: string): Promise<GatewayPlane> {
  const plane = new GatewayPlane({ root, mainFile: GATEWAY_MAIN, clock: systemClock });
  t.after(() => plane.close());
  return plane;
}

function apply(plane: GatewayPlane, number: number, ...services: ServiceRouting[]) {
  const settings = { ...DEFAULT_SETTINGS, workers: 2 };
  return plane.apply({ number, fence: number, settings, services });
}

/** How many masters there have been. */
const started = async (root: string) => (await logOf(root)).split(' runs, pid').length - 1;

const onDisk = (root: string) => fs.readFile(path.join(root, ROUTING), 'utf8').catch(() => null);
const serves = (port: number) => textOf(ask(port)).catch(() => null);

test('a killed master is followed by one that a worker starts; nobody is refused, and control finds it', async (t) => {
  const { root, port, app, master } = await alone(t);
  const load = steadyLoad(t, port);
  process.kill(master, 'SIGKILL');
  await eventually('another one runs', async () => (await started(root)) === 2);
  const plane = await control(t, root);
  await plane.open(2);
  const other = { host: '127.0.0.1', port: await somePort() };
  const ack = await apply(
    plane,
    2,
    serviceRouting(port, { backends: [app] }),
    serviceRouting(other.port, { service: 'other', backends: [app] }),
  );
  assert.deepEqual(ack.failed, []);
  assert.equal(await textOf(ask(other.port)), 'a');
  await assertClean(load);
  await plane.stop(0);
  assert.deepEqual(await gatewayUnder(root), []);
});

test('a master that is started before a worker could do it gets out of the way and loses nothing', async (t) => {
  const { root, port, app, master } = await alone(t);
  const load = steadyLoad(t, port);
  process.kill(master, 'SIGKILL');
  startMaster(root).unref();
  await eventually('it is followed', async () => /is followed by another one/.test(await logOf(root)));
  const plane = await control(t, root);
  await eventually('control finds the other', () =>
    plane.open(2).then(
      () => true,
      () => false,
    ),
  );
  const ack = await apply(plane, 2, serviceRouting(port, { backends: [app] }));
  assert.deepEqual(ack.failed, []);
  await eventually(
    'two workers serve',
    () => plane.workers.filter(({ stage }) => stage === 'serving').length === 2,
  );
  await assertClean(load);
  await plane.stop(0);
  assert.deepEqual(await gatewayUnder(root), [], await logOf(root));
});

test('after the end of everything it serves the last routing from disk, and takes the next from control', async (t) => {
  const { root, port } = await alone(t);
  await killUnder(root);
  assert.equal(await serves(port), null);
  startMaster(root).unref();
  await eventually('it serves', async () => (await serves(port)) === 'a');
  const plane = await control(t, root);
  await plane.open(1);
  const b = await startApp(t, 'b');
  // Of a control whose journal begins anew.
  await apply(plane, 1, serviceRouting(port, { backends: [backendOf(b)] }));
  assert.equal(await serves(port), 'b');
  await plane.stop(0);
  assert.equal(await onDisk(root), null);
});

const SPOILED: readonly (readonly [string, (text: string) => string, RegExp])[] = [
  ['torn', (text) => text.slice(0, text.length / 2), /it is torn or was changed/],
  ['changed', (text) => text.replace('"number":1', '"number":7'), /it is torn or was changed/],
  [
    'of a newer Segue',
    (text) => text.replace('"segueRouting":1', '"segueRouting":2'),
    /written by a newer Segue/,
  ],
  ['of something else', () => '{"services":[]}\n', /not a routing that Segue wrote/],
  ['empty', () => '', /not a routing that Segue wrote/],
];

for (const [what, spoil, why] of SPOILED)
  test(`a routing on disk that is ${what} is refused with the reason, and control is waited for`, async (t) => {
    const { root, port } = await alone(t);
    await killUnder(root);
    const file = path.join(root, ROUTING);
    await fs.writeFile(file, spoil(await fs.readFile(file, 'utf8')));
    startMaster(root).unref();
    await eventually('it says why', async () => why.test(await logOf(root)));
    assert.equal(await serves(port), null);
  });

test('of a machine that was started anew, no instance is believed to be there still', async (t) => {
  const { root } = await alone(t);
  const file = path.join(root, ROUTING);
  const text = await fs.readFile(file, 'utf8');
  await fs.writeFile(file, text.replace(/"boot":"[^"]*"/, '"boot":"another"'));
  const read = await new SnapshotFile(file, () => undefined).read();
  assert.deepEqual(read.type === 'found' && read.routing.services.map(({ backends }) => backends), [[]]);
});

test('killed at any moment of writing, the file is whole and not older than what was said to be written', async (t) => {
  const root = await emptyRoot(t);
  const file = path.join(root, 'routing.json');
  const writer = path.join(import.meta.dirname, 'fixtures/snapshot-writer.ts');
  for (let round = 0; round < 12; round += 1) {
    const child = spawn(process.execPath, [writer, file], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = 0;
    child.stdout.on('data', (chunk: Buffer) => (said = Number(chunk.toString().trim().split('\n').at(-1))));
    await eventually('it writes', () => said > round);
    for (let turn = 0; turn < round * 3; turn += 1) await new Promise(setImmediate);
    child.kill('SIGKILL');
    await once(child, 'close');
    const read = await new SnapshotFile(file, () => undefined).read();
    assert.ok(read.type === 'found' && read.routing.number >= said, JSON.stringify(read).slice(0, 200));
    assert.equal(read.routing.services.length, 500);
  }
});

test('sockets of the service manager are used where the address is theirs, and outlive the gateway', async (t) => {
  const [root, app] = [await emptyRoot(t), await startApp(t, 'a')];
  const bound = new net.BoundSocket({ host: '127.0.0.1' });
  t.after(() => bound.close());
  const { port } = bound.address();
  startActivated(root, [bound]).unref();
  const plane = await control(t, root);
  await eventually('it answers', async () => (await started(root)) === 1);
  await plane.open(1);
  assert.deepEqual((await apply(plane, 1, serviceRouting(port, { backends: [backendOf(app)] }))).failed, []);
  assert.equal(await serves(port), 'a');
  await plane.upgrade(true);
  await plane.stop(0);
  // Nobody accepts, and nobody is refused.
  const waiting = ask(port);
  startActivated(root, [bound]).unref();
  const again = await control(t, root);
  await eventually('another one answers', async () => (await started(root)) === 3);
  await again.open(2);
  await apply(again, 2, serviceRouting(port, { backends: [backendOf(app)] }));
  assert.equal(await textOf(waiting), 'a');
  await again.stop(0);
});
