/**
 * Row 15 of the loss table: requests that wait for an instance are refused because a drain or a release comes
 * meanwhile, and a check that passes puts a draining instance back into traffic.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { InstanceStatus } from '../../src/wire/api.ts';
import type { Load } from '../load/summary.ts';
import { assertEnded } from '../support/outcome.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { TestProject } from '../support/test-project.ts';
import { beginUpload } from '../support/upload.ts';

const PATIENT = {
  service: '    strategy: { type: blue-green, bake: 0s }',
  drain: '60s',
  traffic: ', hold: 60s',
};

describe('row 15: requests that wait', () => {
  let project: TestProject;
  before(async () => {
    project = await TestProject.create(PATIENT);
    await project.up();
    await project.build('v1');
    await project.deploy('v1');
  });
  after(() => project.remove());

  /** Straight to the instances of stable: through the gateway no request would find them again. */
  async function tellAll(what: '/unready' | '/ready-again'): Promise<void> {
    const { instances, stable } = await project.web();
    for (const { port, version } of instances)
      if (version === stable) await fetch(`http://127.0.0.1:${port}${what}`);
  }

  /** Load of which everything waits. */
  async function heldLoad(t: TestContext): Promise<Load> {
    await tellAll('/unready');
    const noneReady = async () => (await project.web()).instances.every((i) => i.traffic === 'none');
    assert.ok(await project.eventually(noneReady));
    const load = steadyLoad(t, project.port);
    assert.ok(await project.eventually(async () => (await project.web()).holding === 10));
    return load;
  }

  it('are failures where they may not wait', async (t) => {
    await project.writeFile({ ...PATIENT, traffic: ', hold: 0s' });
    await project.api('POST', '/v1/apply', { by: 'test' });
    await tellAll('/unready');
    const load = steadyLoad(t, project.port);
    assert.ok(await project.eventually(() => (load.stats().reasons.status ?? 0) > 0));
    await load.stop();
    await tellAll('/ready-again');
    assert.ok(await project.eventually(() => project.allServe()));
    await project.writeFile(PATIENT);
    await project.api('POST', '/v1/apply', { by: 'test' });
  });

  it('wait through a release that is taken back, and get the version that comes back', async (t) => {
    const load = await heldLoad(t);
    await project.build('never', { exitAfterMs: 50, ready: false });
    const release = await project.begin('never');
    const exited = async () => (await project.release(release)).release.state.phase !== 'forward';
    assert.ok(await project.eventually(exited));
    await tellAll('/ready-again');
    assertEnded(await project.ended(release), 'rolled-back');
    const { versions } = await assertClean(load, 10);
    assert.deepEqual(Object.keys(versions), ['v1']);
  });

  it('get the new version as soon as it is ready, while the old one is drained', async (t) => {
    const load = await heldLoad(t);
    await project.build('v2');
    const release = await project.deploy('v2');
    assertEnded(release, 'done');
    assert.equal(release.receipt?.refused, 0);
    const { versions } = await assertClean(load, 10);
    assert.deepEqual(Object.keys(versions), ['v2']);
  });

  it('do not go to a draining instance whose check passes again', async (t) => {
    const busy = async () => (await project.web()).instances.find((i) => i.inFlight > 0);
    assert.ok(await project.eventually(async () => (await busy()) === undefined));
    const slow = beginUpload(t, project.port);
    await slow.begun;
    assert.ok(await project.eventually(async () => (await busy()) !== undefined));
    const old = await busy();
    assert.ok(old);
    await project.build('v3');
    const release = await project.begin('v3');
    const now = async (): Promise<InstanceStatus | undefined> =>
      (await project.web()).instances.find((i) => i.id === old.id);
    const drains = async () => (await project.web()).release?.step?.startsWith('drain') ?? false;
    assert.ok(await project.eventually(drains));

    const load = steadyLoad(t, project.port);
    await fetch(`http://127.0.0.1:${old.port}/unready`);
    assert.ok(await project.eventually(async () => (await now())?.ready === false));
    await fetch(`http://127.0.0.1:${old.port}/ready-again`);
    assert.ok(await project.eventually(async () => (await now())?.ready === true));
    const answered = load.stats().answered;
    assert.ok(await project.eventually(() => load.stats().answered > answered + 50));
    const then = await now();
    assert.equal(then?.traffic, 'draining');
    assert.equal(then.requests, old.requests, 'nothing since the drain began');

    assert.match(await slow.end(), /^version v2 10\n/);
    assertEnded(await project.ended(release), 'done');
    const { versions } = await assertClean(load);
    assert.deepEqual(Object.keys(versions), ['v3']);
  });
});
