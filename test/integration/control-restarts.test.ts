/**
 * Hunts what a control leaves half done for the next one: a `down` that is cut short, a release that is
 * forgotten, an older control that goes on acting, values that are gone, and a state that nobody gets out of.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { causeOf } from '../../src/core/release/records.ts';
import type { PlanResponse } from '../../src/wire/api.ts';
import { ApiFailure } from '../support/api-client.ts';
import { assertEnded, outcomeOf } from '../support/outcome.ts';
import { instancesUnder, processesUnder } from '../support/processes.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { type ProjectOptions, type StartOptions, TestProject } from '../support/test-project.ts';

const BAKING = { service: '    strategy: { type: blue-green, bake: 2s }' } as const;

async function serving(
  t: TestContext,
  options: ProjectOptions,
  start: StartOptions = {},
  behaviour: Readonly<Record<string, unknown>> = {},
): Promise<TestProject> {
  const project = await TestProject.create(options);
  t.after(() => project.remove());
  await project.up(start);
  await project.build('v1', behaviour);
  await project.build('v2');
  assertEnded(await project.deploy('v1'), 'done');
  return project;
}

async function ended(project: TestProject): Promise<number | null> {
  const control = project.control;
  assert.ok(control);
  if (control.exitCode === null && control.signalCode === null) await once(control, 'exit');
  return control.exitCode;
}

async function reached(project: TestProject, step: RegExp): Promise<void> {
  const there = await project.eventually(async () => step.test((await project.web()).release?.step ?? ''));
  assert.ok(there, String(step));
}

describe('a release', () => {
  it('goes on after control was told to end, and no request is lost', async (t) => {
    const project = await serving(t, BAKING);
    const load = steadyLoad(t, project.port);
    const id = await project.begin('v2');
    await reached(project, /^wait until ready/);
    project.control?.kill('SIGTERM');
    assert.equal(await ended(project), 0);
    await project.up();
    assertEnded(await project.ended(id), 'done');
    await assertClean(load);
    assert.equal((await instancesUnder(project.root)).length, 2);
  });

  for (const step of [/^wait until ready/, /^bake/])
    it(`goes on after down and up in its step ${step.source}`, async (t) => {
      const project = await serving(t, { ...BAKING, drain: '{ requests: 1s, streams: 1s }' });
      const id = await project.begin('v2');
      await reached(project, step);
      await project.down();
      assert.equal(await ended(project), 0);
      assert.deepEqual(await processesUnder(project.root), []);
      await project.up();
      assertEnded(await project.ended(id), 'done');
      assert.ok(await project.eventually(() => project.allServe()));
      assert.equal((await instancesUnder(project.root)).length, 2);
    });
});

describe('down', () => {
  it('cut short by the death of control loses no instance: up starts all of them again', async (t) => {
    const deaf = { ignoresSigterm: true };
    const project = await serving(t, { stopWithin: '5s', drain: '{ requests: 1s, streams: 1s }' }, {}, deaf);
    const down = project.down().catch(() => undefined);
    const stopping = await project.eventually(async () =>
      (await project.journal()).some(({ fact }) => fact.kind === 'instance-stopping'),
    );
    assert.ok(stopping);
    await project.killControl();
    await down;
    await project.up();
    assert.ok(await project.eventually(() => project.allServe()));
    assert.equal((await instancesUnder(project.root)).length, 2);
    assert.equal((await fetch(`http://127.0.0.1:${project.port}/`)).status, 200);
  });
});

describe('a control that another one got round', () => {
  it('stops acting with its next write and leaves the other its socket (R7)', async (t) => {
    const project = await serving(t, { instances: 1 });
    const older = project.control;
    assert.ok(older);
    await rm(path.join(project.root, '.segue/control.lock'));
    await project.up();
    const fence = (await project.status()).control.fence;
    const [instance] = await instancesUnder(project.root);
    assert.ok(instance);
    process.kill(instance.pid, 'SIGKILL');
    if (older.exitCode === null) await once(older, 'exit');
    assert.equal(older.exitCode, 1);
    const again = async () => (await project.web()).instances[0]?.crashes === 1 && (await project.allServe());
    assert.ok(await project.eventually(again));
    assert.ok(await stat(path.join(project.root, '.segue/control.sock')));
    assert.equal((await project.status()).control.fence, fence);
    assert.equal((await instancesUnder(project.root)).length, 1);
    const crashes = (await project.journal()).filter(({ fact }) => fact.kind === 'instance-crashed');
    assert.deepEqual(
      crashes.map((entry) => entry.fence),
      [fence],
    );
  });
});

describe('values from the environment that are gone', () => {
  it('keep control from starting nothing but what needs them, and are said before and at a rollback', async (t) => {
    const run = `    run: { command: node server.mjs, env: { TOKEN: "env:SEGUE_TEST_TOKEN" } }`;
    const project = await TestProject.create({ instances: 1 });
    t.after(() => project.remove());
    const file = path.join(project.root, 'segue.yaml');
    const plain = `project: test
services:
  web:
RUN
    instances: 1
    traffic: { listen: "127.0.0.1:${project.port}", drain: 1s }
    health: { readiness: { path: /ready, interval: 100ms } }
`;
    await writeFile(file, plain.replace('RUN', run));
    await project.up({ env: { SEGUE_TEST_TOKEN: 'secret' } });
    for (const version of ['v1', 'v2']) await project.build(version);
    assertEnded(await project.deploy('v1'), 'done');
    await project.killControl();
    await writeFile(file, plain.replace('RUN', '    run: { command: node server.mjs }'));
    await project.up();
    assert.ok(await project.eventually(() => project.allServe()));

    const order = { service: 'web', version: 'v2', dir: 'builds/v2', by: 'test' };
    const { plan } = await project.api<PlanResponse>('POST', '/v1/plan', order);
    assert.match(plan.certificate.problems.join(), /v1 .* needs SEGUE_TEST_TOKEN/);
    assertEnded(await project.deploy('v2'), 'done');
    await assert.rejects(project.rollback(), (error) => {
      assert.ok(error instanceof ApiFailure);
      return error.error.code === 'ENVIRONMENT_VALUE_MISSING';
    });
    assert.equal((await project.web()).stable, 'v2');
  });
});

describe('a release that is stuck', () => {
  it('says that a person is needed, why it turned and why it did not get back; deploying stable mends it', async (t) => {
    const project = await TestProject.create({ instances: 1, readyWithin: '5s' });
    t.after(() => project.remove());
    const poison = path.join(project.root, 'poison');
    await project.up();
    await project.build('v1', { exitsWhereThereIs: poison });
    await project.build('v2');
    assertEnded(await project.deploy('v1'), 'done');
    await project.writeFile({ instances: 1, service: '    strategy: { type: rolling, bake: 60s }' });
    const id = await project.begin('v2');
    await reached(project, /^bake/);
    const old = (await project.web()).instances.find(({ version }) => version === 'v1');
    assert.ok(old);
    await writeFile(poison, '');
    await fetch(`http://127.0.0.1:${old.port}/crash`).catch(() => undefined);
    assert.ok(
      await project.eventually(async () => (await project.web()).instances.some((i) => i.crashes > 0)),
    );
    await project.abort();
    const release = await project.ended(id);
    assert.equal(outcomeOf(release), 'stuck');
    const cause = causeOf(release);
    assert.equal(cause?.code, 'RELEASE_STUCK');
    assert.match(cause.detail, /taken back as asked/);
    assert.match(cause.detail, /what this version needs is gone/);
    const { last } = await project.web();
    assert.match(last?.why ?? '', /neither finished nor taken back/);

    await rm(poison);
    await project.writeFile({ instances: 1, readyWithin: '5s' });
    const load = steadyLoad(t, project.port);
    assertEnded(await project.deploy('v1'), 'done');
    await assertClean(load);
    assert.ok(await project.allServe());
    assert.equal((await instancesUnder(project.root)).length, 1);
  });
});
