/**
 * Hunts what happens at the worst moment: releases of two services at once, instances that fail while others
 * are released, instances that come back after they were stopped, and waits that nobody ends.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { causeOf } from '../../src/core/release/records.ts';
import type { DeployResponse, ServiceStatus } from '../../src/wire/api.ts';
import { ApiFailure } from '../support/api-client.ts';
import { assertEnded } from '../support/outcome.ts';
import { instancesUnder, processesUnder } from '../support/processes.ts';
import { program } from '../support/program.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { type ProjectOptions, TestProject } from '../support/test-project.ts';

async function projectWith(t: TestContext, options: ProjectOptions): Promise<TestProject> {
  const project = await TestProject.create(options);
  t.after(() => project.remove());
  await project.up();
  return project;
}

async function serving(t: TestContext, options: ProjectOptions): Promise<TestProject> {
  const project = await projectWith(t, options);
  await project.build('v1');
  assertEnded(await project.deploy('v1'), 'done');
  return project;
}

/** A second service behind the address of the first. */
function shared(project: TestProject): string {
  return `  api:
    run: { command: node server.mjs, stop: { within: 1s } }
    instances: 1
    traffic: { listen: "127.0.0.1:${project.port}", routes: [{ path: /api }], drain: 1s }
    health: { readiness: { path: /ready, interval: 100ms } }
    strategy: { type: blue-green, bake: 1s }`;
}

async function begin(project: TestProject, service: string, version: string): Promise<string> {
  const order = { service, version, dir: `builds/${version}`, by: 'test' };
  const { release } = await project.api<DeployResponse>('POST', '/v1/releases', order);
  assert.ok(release);
  return release.id;
}

async function statusOf(project: TestProject, name: string): Promise<ServiceStatus> {
  const found = (await project.status()).services.find((each) => each.name === name);
  assert.ok(found);
  return found;
}

/** Makes it end by itself, whichever instance it is. */
async function crash(port: number): Promise<void> {
  await fetch(`http://127.0.0.1:${port}/crash`).catch(() => undefined);
}

async function crashUntil(project: TestProject, id: string, crashes: number): Promise<void> {
  const crashed = await project.eventually(async () => {
    const all = (await project.status()).services.flatMap(({ instances }) => instances);
    const instance = all.find((each) => each.id === id);
    if (!instance || instance.crashes >= crashes) return true;
    if (instance.ready) await crash(instance.port);
    return false;
  });
  assert.ok(crashed, `${id} crashed ${crashes} times`);
}

describe('two services', () => {
  it('are released at the same time, behind one address, each under a number of its own', async (t) => {
    const project = await projectWith(t, { instances: 1 });
    await project.writeFile({ instances: 1, service: shared(project) });
    for (const version of ['a', 'b', 'c']) {
      await project.build(version);
      const ids = await Promise.all([begin(project, 'web', version), begin(project, 'api', version)]);
      assert.notEqual(ids[0], ids[1]);
      for (const id of ids) assertEnded(await project.ended(id), 'done');
      for (const url of ['/', '/api']) {
        const answer = await fetch(`http://127.0.0.1:${project.port}${url}`);
        assert.equal(answer.headers.get('x-shop-version'), version, url);
      }
    }
  });

  it('do not answer for each other: a crash loop of one leaves the release of the other alone', async (t) => {
    const project = await projectWith(t, { instances: 1 });
    await project.writeFile({ instances: 1, service: shared(project) });
    for (const version of ['a', 'b']) await project.build(version);
    assertEnded(await project.ended(await begin(project, 'api', 'a')), 'done');
    assertEnded(await project.ended(await begin(project, 'web', 'b')), 'done');
    const blueGreen = '    strategy: { type: blue-green, bake: 60s }\n';
    await project.writeFile({ instances: 1, service: `${blueGreen}${shared(project)}` });
    const id = await begin(project, 'web', 'a');
    const [other] = (await statusOf(project, 'api')).instances;
    assert.ok(other);
    await crashUntil(project, other.id, 3);
    const { release } = await project.release(id);
    assert.equal(release.state.phase, 'forward');
  });
});

describe('a candidate', () => {
  it('is not blamed for a stable version that crashes', async (t) => {
    const project = await serving(t, {
      instances: 1,
      service: '    strategy: { type: blue-green, bake: 60s }',
    });
    await project.build('v2');
    const [old] = (await project.web()).instances;
    assert.ok(old);
    const id = await project.begin('v2');
    await crashUntil(project, old.id, 3);
    assert.equal((await project.release(id)).release.state.phase, 'forward');
  });

  it('that is unready as a whole while it bakes is taken back while requests still wait', async (t) => {
    const options = { traffic: ', hold: 4s', service: '    strategy: { type: blue-green, bake: 60s }' };
    const project = await serving(t, options);
    await project.build('v2');
    const id = await project.begin('v2');
    assert.ok(await project.eventually(async () => baking(project)));
    const load = steadyLoad(t, project.port);
    const fresh = (await project.web()).instances.filter(({ version }) => version === 'v2');
    for (const { port } of fresh) await fetch(`http://127.0.0.1:${port}/unready`);
    const release = await project.ended(id);
    assertEnded(release, 'rolled-back');
    assert.equal(causeOf(release)?.code, 'INSTANCE_NOT_READY');
    await assertClean(load);
    assert.equal((await project.web()).stable, 'v1');
  });

  it('that gets unready ends a rolling release before more of stable is replaced', async (t) => {
    const project = await serving(t, { instances: 2, readyWithin: '15s' });
    // The second one comes when the first one has left: it is not what the release ends for.
    const gate = path.join(project.root, 'go');
    const [one, two] = ['web-r2-1', 'web-r2-2'].map((id) => `${gate}.${id}`);
    assert.ok(one !== undefined && two !== undefined);
    await writeFile(one, '');
    await project.build('v2', { listensWhenThereIs: gate });
    const [, last] = (await project.web()).instances;
    const id = await project.begin('v2');
    const joined = await project.eventually(async () => {
      const first = (await project.web()).instances.find(
        (i) => i.version === 'v2' && i.traffic === 'serving',
      );
      if (first) await fetch(`http://127.0.0.1:${first.port}/unready`);
      return first !== undefined;
    });
    assert.ok(joined);
    const left = async () =>
      (await project.web()).instances.some((i) => i.id === 'web-r2-1' && i.phase === 'running' && !i.ready);
    assert.ok(await project.eventually(left));
    await writeFile(two, '');
    const release = await project.ended(id);
    assertEnded(release, 'rolled-back');
    assert.equal(causeOf(release)?.code, 'INSTANCE_NOT_READY');
    const ids = (await project.web()).instances.map((instance) => instance.id);
    assert.ok(last && ids.includes(last.id), 'the other one of stable was not touched');
  });
});

async function baking(project: TestProject): Promise<boolean> {
  return (await project.web()).release?.step?.startsWith('bake') ?? false;
}

describe('an instance', () => {
  it('that waits for its restart is gone for good once its version is replaced', async (t) => {
    const project = await serving(t, {
      instances: 1,
      service: '    strategy: { type: blue-green, bake: 100ms }',
    });
    const [old] = (await project.web()).instances;
    assert.ok(old);
    await crashUntil(project, old.id, 2);
    await project.build('v2');
    assertEnded(await project.deploy('v2'), 'done');
    await sleep(1_500);
    const left = await instancesUnder(project.root);
    assert.deepEqual(
      left.map(({ environment }) => environment['SEGUE_VERSION']),
      ['v2'],
    );
    assert.equal((await project.web()).instances.length, 1);
  });

  it('that waits for its restart is not said to run, and a new control does not count a second crash', async (t) => {
    const project = await serving(t, { instances: 1 });
    const [old] = (await project.web()).instances;
    assert.ok(old);
    await crash(old.port);
    assert.ok(await project.eventually(async () => (await project.web()).instances[0]?.crashes === 1));
    const waiting = (await project.web()).instances[0];
    assert.deepEqual([waiting?.phase, waiting?.pid, waiting?.ready], ['starting', null, false]);
    await project.killControl();
    await project.up();
    assert.ok(await project.eventually(() => project.allServe()));
    assert.equal((await project.web()).instances[0]?.crashes, 1);
  });

  it('that was started again and is not ready yet gets no traffic from a new control', async (t) => {
    const project = await projectWith(t, { instances: 1 });
    await project.build('slow', { startAfterMs: 2_000 });
    assertEnded(await project.deploy('slow'), 'done');
    const [first] = await instancesUnder(project.root);
    assert.ok(first);
    process.kill(first.pid, 'SIGKILL');
    const again = await project.eventually(async () => {
      const pid = (await project.web()).instances[0]?.pid ?? first.pid;
      return pid !== first.pid;
    });
    assert.ok(again);
    await project.killControl();
    await project.up();
    const [instance] = (await project.web()).instances;
    assert.deepEqual([instance?.phase, instance?.traffic], ['running', 'none']);
    const answer = await fetch(`http://127.0.0.1:${project.port}/`);
    assert.equal(answer.status, 200);
  });
});

describe('a gateway that does not answer', () => {
  const drain = '{ requests: 1s, streams: 1s }';

  it('costs no instance its traffic: none is stopped before a routing without it is in force (R2)', async (t) => {
    const project = await serving(t, {
      instances: 1,
      drain,
      service: '    strategy: { type: blue-green, bake: 60s }',
    });
    await project.build('v2');
    const id = await project.begin('v2');
    assert.ok(await project.eventually(() => baking(project)));
    const { pid } = (await project.status()).gateway;
    assert.ok(pid);
    process.kill(pid, 'SIGSTOP');
    t.after(() => process.kill(pid, 'SIGCONT'));
    await project.abort();
    const failed = await project.eventually(async () => {
      const { entries } = await project.release(id);
      return entries.filter(({ fact }) => fact.kind === 'step-failed').length >= 2;
    });
    assert.ok(failed, 'the way back was tried twice');
    const { entries } = await project.release(id);
    assert.ok(!entries.some(({ fact }) => fact.kind === 'instance-stopping'));
    process.kill(pid, 'SIGCONT');
    assertEnded(await project.ended(id), 'rolled-back');
    assert.equal(await (await fetch(`http://127.0.0.1:${project.port}/`)).text(), 'version v1 0\n');
  });

  it('does not keep down from stopping everything else, and down says what it left', async (t) => {
    const project = await serving(t, { instances: 1, drain });
    const { pid } = (await project.status()).gateway;
    assert.ok(pid);
    process.kill(pid, 'SIGSTOP');
    const both = await Promise.allSettled([project.down(), project.down()]);
    for (const answer of both) {
      assert.equal(answer.status, 'rejected');
      if (answer.status === 'rejected' && answer.reason instanceof ApiFailure)
        assert.equal(answer.reason.error.code, 'GATEWAY_UNREACHABLE');
    }
    assert.ok(await project.eventually(() => project.control?.exitCode !== null));
    const left = await processesUnder(project.root);
    // Its workers serve on as long as it is there and says nothing.
    const isWorker = (words: readonly string[]) =>
      words.some((word) => word === program('src/main/gateway-worker.ts'));
    const others = left.filter(({ commandLine }) => !isWorker(commandLine));
    assert.deepEqual(
      others.map((found) => found.pid),
      [pid],
    );
  });
});
