/**
 * Hunts instances that are started twice, come back after they were stopped, or are believed to run although
 * they ended in that moment. Real processes, a real store; the fleet alone decides.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fleet } from '../../src/control/fleet.ts';
import { Ledger } from '../../src/control/ledger.ts';
import { PortBook } from '../../src/control/port-book.ts';
import type { ControlPorts } from '../../src/control/ports.ts';
import { systemClock, systemRandomness } from '../../src/drivers/clock/system.ts';
import { AcmeAuthority } from '../../src/drivers/authority/acme/acme-authority.ts';
import { FlagFiles } from '../../src/drivers/flags/files/flag-files.ts';
import { LocalVersionFiles } from '../../src/drivers/files/local/local-version-files.ts';
import { JsonMetrics } from '../../src/drivers/metrics/json/json-metrics.ts';
import { PrometheusMetrics } from '../../src/drivers/metrics/prometheus/prometheus-metrics.ts';
import { DirectProber } from '../../src/drivers/prober/direct/prober.ts';
import { YamlProjectFile } from '../../src/drivers/project/yaml-file.ts';
import { ProcessRuntime } from '../../src/drivers/runtime/process/runtime.ts';
import { openSqliteStore } from '../../src/drivers/store/sqlite/open.ts';
import { GatewayPlane } from '../../src/drivers/traffic/gateway/gateway-plane.ts';
import type { Store } from '../../src/ports/store.ts';
import { versionRecord } from '../contract/records.ts';
import { eventually } from '../contract/eventually.ts';
import { instancesUnder } from '../support/processes.ts';
import { serviceSpec } from '../support/service-spec.ts';

const APP = `
import { createServer } from 'node:http';
createServer((_, response) => response.end()).listen(process.env.PORT, '127.0.0.1');
process.on('SIGTERM', () => setTimeout(() => process.exit(0), 100));
`;
const FIRST = { id: 'web-r1-1', version: 'v1' };

let root = '';
let store: Store;
let runtime: ProcessRuntime;
let ledger: Ledger;
let fleet: Fleet;
let faults: unknown[] = [];

beforeEach(async () => {
  root = await realpath(await mkdtemp(path.join(os.tmpdir(), 'segue-fleet-')));
  const build = path.join(root, 'build');
  await mkdir(build);
  await writeFile(path.join(build, 'app.mjs'), APP);
  await new LocalVersionFiles({ root }).keep({
    service: 'web',
    version: 'v1',
    from: build,
    ignore: [],
    earlier: [],
  });
  await open();
  const { health, run } = serviceSpec();
  const readiness = { ...health.readiness, intervalMs: 50, successes: 1 };
  const spec = serviceSpec({ run: { ...run, command: 'node app.mjs' }, health: { ...health, readiness } });
  const record = versionRecord('v1', { spec });
  await ledger.write(() => ({ facts: [], changes: [{ put: 'version', record }] }));
});

/** A control of its own, as far as instances go. */
async function open(): Promise<void> {
  store = await openSqliteStore({ root });
  ledger = await Ledger.open(store, systemClock);
  runtime = new ProcessRuntime({ logsDir: path.join(root, 'logs'), clock: systemClock });
  faults = [];
  const ports: ControlPorts = {
    store,
    runtime,
    plane: new GatewayPlane({ root, clock: systemClock, mainFile: 'never started' }),
    metrics: {
      prometheus: new PrometheusMetrics({ clock: systemClock }),
      json: new JsonMetrics({ clock: systemClock }),
    },
    prober: new DirectProber({ clock: systemClock }),
    files: new LocalVersionFiles({ root }),
    flagSource: new FlagFiles(root),
    authority: new AcmeAuthority({ root }),
    source: new YamlProjectFile(root),
    databases: { open: () => Promise.reject(new Error('there is none')) },
    changes: { read: () => Promise.resolve([]) },
    clock: systemClock,
    random: systemRandomness,
    environment: process.env,
    pid: process.pid,
  };
  const portBook = new PortBook(runtime, ledger, () => ({ from: 18_000, to: 19_999 }), process.pid);
  const onFault = (error: unknown) => faults.push(error);
  fleet = new Fleet({
    ports,
    ledger,
    portBook,
    rerouted: () => Promise.resolve(),
    drainMsOf: () => null,
    onFault,
  });
}

async function leave(): Promise<void> {
  fleet.close();
  await runtime.close();
  await store.close();
}

afterEach(async () => {
  assert.deepEqual(faults, []);
  await leave();
  for (const { pid } of await instancesUnder(root)) process.kill(pid, 'SIGKILL');
  await rm(root, { recursive: true, force: true });
});

const start = (ref = FIRST) => fleet.start(ref, 'web', 'r1');
const running = async () => (await instancesUnder(root)).length;

async function killFirst(): Promise<void> {
  for (const { pid, environment } of await instancesUnder(root))
    if (environment['SEGUE_INSTANCE'] === FIRST.id) process.kill(pid, 'SIGKILL');
}

async function ready(): Promise<void> {
  await eventually('ready', () => fleet.isReady(FIRST.id));
}

/** Longer than the first restart waits. */
const longEnough = () => sleep(1_200);

describe('one instance', () => {
  it('asked for twice at once is started once', async () => {
    await Promise.all([start(), start(), start()]);
    assert.equal(await running(), 1);
    await ready();
  });

  it('stopped while it starts is stopped', async () => {
    const starting = start();
    const stopping = fleet.stop(FIRST.id);
    await Promise.all([starting, stopping]);
    await longEnough();
    assert.equal(await running(), ledger.instances.length);
    await fleet.stop(FIRST.id);
    assert.deepEqual([await running(), ledger.instances], [0, []]);
  });

  it('that ends while it is stopped stays ended', async () => {
    await start();
    await ready();
    await Promise.all([killFirst(), fleet.stop(FIRST.id)]);
    await longEnough();
    assert.deepEqual([await running(), ledger.instances], [0, []]);
  });

  it('stopped while it waits for its restart, or while that begins, stays stopped', async () => {
    for (const waitMs of [0, 490, 505]) {
      await start();
      await ready();
      await killFirst();
      await eventually('crashed', () => ledger.instance(FIRST.id)?.phase === 'starting');
      await sleep(waitMs);
      await fleet.stop(FIRST.id);
      await longEnough();
      assert.deepEqual([await running(), ledger.instances], [0, []], `stopped after ${waitMs} ms`);
    }
  });

  it('that ends in the moment in which a new control takes it up is started again, not believed', async () => {
    await start();
    await ready();
    await eventually('written', () => ledger.instance(FIRST.id)?.ready === true);
    await leave();
    await open();
    const record = ledger.instance(FIRST.id);
    assert.ok(record);
    const adopting = fleet.adopt(record);
    await killFirst();
    if (!(await adopting)) await fleet.crashed(FIRST.id, 'ended meanwhile');
    await eventually('noticed', () => ledger.instance(FIRST.id)?.crashes === 1);
    await ready();
    assert.equal(await running(), 1);
  });
});

describe('a fleet that is to rest', () => {
  it('stops what runs and what is being started, starts nothing more, and wakes all of it later', async () => {
    await start();
    const more = ['web-r1-2', 'web-r1-3', 'web-r1-4'].map((id) => ({ id, version: 'v1' }));
    const starting = Promise.allSettled(more.map((ref) => start(ref)));
    await fleet.rest();
    await starting;
    await assert.rejects(start({ id: 'web-r1-9', version: 'v1' }), { code: 'CONTROL_NOT_RUNNING' });
    assert.equal(await running(), 0);
    const resting = ledger.instances;
    assert.ok(resting.every(({ phase, mark }) => phase === 'resting' && mark === null));
    await leave();
    await open();
    await Promise.all(ledger.instances.map((record) => fleet.wake(record, 'restart')));
    await ready();
    assert.equal(await running(), resting.length);
    assert.ok(ledger.instances.every(({ crashes }) => crashes === 0));
  });
});
