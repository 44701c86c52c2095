/**
 * Hunts handovers that run two versions at once (R10), lose or refuse a request although the change fits the
 * hold (T7), or leave nobody serving when the new version does not come up in time (R5).
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { causeOf } from '../../src/core/release/records.ts';
import { assertEnded } from '../support/outcome.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { type ProjectOptions, TestProject } from '../support/test-project.ts';
import { beginUpload } from '../support/upload.ts';

const fileWith = (within: string, hold = '60s'): ProjectOptions => ({
  instances: 1,
  service: `    strategy: { type: handover${within} }`,
  traffic: `, hold: ${hold}`,
});
const PATIENT = fileWith('');

describe('a handover', () => {
  let project: TestProject;
  let lock = '';
  before(async () => {
    project = await TestProject.create(PATIENT);
    lock = path.join(project.root, 'alone');
    await project.up();
    await build('v1');
    await project.deploy('v1');
  });
  after(() => project.remove());

  const build = (version: string, behaviour: Readonly<Record<string, unknown>> = {}) =>
    project.build(version, { alone: lock, ...behaviour });

  /** The version waits for this file before it listens. */
  const gate = (version: string) => path.join(project.root, `go-${version}`);

  const assertNeverTwo = () => assert.equal(existsSync(`${lock}.met`), false, 'two ran at once');

  async function use(options: ProjectOptions): Promise<void> {
    await project.writeFile(options);
    await project.api('POST', '/v1/apply', { by: 'test' });
  }

  async function assertServes(version: string): Promise<void> {
    assert.ok(await project.eventually(() => project.allServe()));
    assert.equal((await project.web()).stable, version);
    assertNeverTwo();
  }

  it('is not noticed: those who come meanwhile wait, and get the new version', async (t) => {
    const load = steadyLoad(t, project.port);
    assert.ok(await project.eventually(() => load.stats().answered > 50));
    await build('v2', { startAfterMs: 300 });
    const release = await project.deploy('v2');
    assertEnded(release, 'done');
    assert.ok((release.receipt?.held ?? 0) > 0, 'requests waited');
    assert.equal((release.receipt?.failed ?? 1) + (release.receipt?.refused ?? 1), 0);
    assertEnded(await project.rollback(), 'done');
    const { versions } = await assertClean(load);
    assert.deepEqual(Object.keys(versions).toSorted(), ['v1', 'v2']);
    await assertServes('v1');
  });

  it('starts the old version again when the new one is not ready in time, and says what was not', async (t) => {
    // Time to start, to listen and to answer its first checks.
    await use(fileWith(', within: 5s'));
    const load = steadyLoad(t, project.port);
    assert.ok(await project.eventually(() => load.stats().answered > 50));
    await build('never', { ready: false });
    const release = await project.deploy('never');
    assertEnded(release, 'rolled-back');
    const cause = causeOf(release);
    assert.equal(cause?.code, 'HANDOVER_LATE');
    assert.match(cause?.detail ?? '', /^5s passed, .*wait until ready: web-\S+\. web-\S+, after .*: .*503/s);
    const { versions } = await assertClean(load);
    assert.deepEqual(Object.keys(versions), ['v1']);
    await assertServes('v1');
    await use(PATIENT);
  });

  it('starts the old version again when the new one ends, or fails its smoke test', async (t) => {
    const load = steadyLoad(t, project.port);
    await build('ends', { exitAfterMs: 50, ready: false });
    assertEnded(await project.deploy('ends'), 'rolled-back');
    await project.writeFile({
      ...PATIENT,
      service: `${PATIENT.service}\n    smoke: [{ get: /, expect: { status: 200 } }]`,
    });
    await build('broken', { broken: true });
    assertEnded(await project.deploy('broken'), 'rolled-back');
    await assertClean(load);
    await assertServes('v1');
    await use(PATIENT);
  });

  it('is given up while the old version still serves a request that takes longer than the others may wait', async (t) => {
    await use(fileWith(', within: 1s'));
    const pid = (await project.web()).instances[0]?.pid;
    const slow = beginUpload(t, project.port);
    const busy = async () => (await project.web()).instances[0]?.inFlight === 1;
    assert.ok(await project.eventually(busy));
    const load = steadyLoad(t, project.port);
    await build('v3');
    const release = await project.deploy('v3');
    assertEnded(release, 'rolled-back');
    assert.equal(causeOf(release)?.code, 'HANDOVER_LATE');
    assert.match(await slow.end(), /^version v1/);
    await assertClean(load);
    assert.equal((await project.web()).instances[0]?.pid, pid, 'it was not stopped');
    await assertServes('v1');
    await use(PATIENT);
  });

  it('goes on after control was killed while nobody served', async (t) => {
    const load = steadyLoad(t, project.port);
    assert.ok(await project.eventually(() => load.stats().answered > 50));
    await build('v4', { listensWhenThereIs: gate('v4') });
    const release = await project.begin('v4');
    const waits = async () => (await project.web()).release?.step?.startsWith('wait until ready') ?? false;
    assert.ok(await project.eventually(waits));
    await project.killControl();
    await project.up();
    await writeFile(gate('v4'), '');
    assertEnded(await project.ended(release), 'done');
    await assertClean(load);
    await assertServes('v4');
  });

  it('turns away only those for whom there is no room to wait', async (t: TestContext) => {
    await use(fileWith('', '{ for: 60s, requests: 20 }'));
    await build('v5', { listensWhenThereIs: gate('v5') });
    const release = await project.begin('v5');
    const holds = async () => (await project.web()).instances.every((i) => i.traffic !== 'serving');
    assert.ok(await project.eventually(holds));
    const url = `http://127.0.0.1:${project.port}/`;
    const waiting = Array.from({ length: 20 }, () => fetch(url, { method: 'POST', body: 'x' }));
    assert.ok(await project.eventually(async () => (await project.web()).holding === 20));
    const refused = await fetch(url);
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get('segue-error'), 'hold-full');
    assert.equal(refused.headers.get('retry-after'), '1');
    await writeFile(gate('v5'), '');
    for (const answer of await Promise.all(waiting)) assert.match(await answer.text(), /^version v5 1/);
    assertEnded(await project.ended(release), 'done');
    t.diagnostic('20 waited, one was turned away');
    await assertServes('v5');
    await use(PATIENT);
  });

  it('rests and comes back in the middle of it', async () => {
    await build('v6', { listensWhenThereIs: gate('v6') });
    const release = await project.begin('v6');
    const waits = async () => (await project.web()).release?.step?.startsWith('wait until ready') ?? false;
    assert.ok(await project.eventually(waits));
    await project.down();
    await project.up();
    await writeFile(gate('v6'), '');
    assertEnded(await project.ended(release), 'done');
    await assertServes('v6');
  });
});
