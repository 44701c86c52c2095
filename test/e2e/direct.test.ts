/**
 * Hunts lost requests and wrong endings of whole releases in direct mode, with real processes: no proxy is there to
 * hold, retry or hide anything.
 */
import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { causeOf } from '../../src/core/release/records.ts';
import { outcomeOf } from '../support/outcome.ts';
import { instancesUnder } from '../support/processes.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { type ProjectOptions, TestProject } from '../support/test-project.ts';

const HELPER = new URL('../../src/direct/index.ts', import.meta.url).href;
const APP = path.join(import.meta.dirname, '../support/direct-app.mjs');
const DIRECT: ProjectOptions = {
  instances: 3,
  traffic: ', mode: direct',
  command: `env DIRECT_HELPER=${HELPER} node server.mjs`,
};

async function build(project: TestProject, name: string, behaviour: Record<string, unknown> = {}) {
  await copyFile(APP, path.join(await project.build(name, behaviour), 'server.mjs'));
}

async function startedWith(service: string, options: ProjectOptions = {}): Promise<TestProject> {
  const project = await TestProject.create({ ...DIRECT, service, ...options });
  await project.up();
  await build(project, 'v1');
  assert.equal(outcomeOf(await project.deploy('v1')), 'done');
  return project;
}

const STRATEGIES = { rolling: 'rolling', 'blue-green': '{ type: blue-green, bake: 100ms }' };

for (const [name, strategy] of Object.entries(STRATEGIES)) {
  describe(`direct mode, ${name}, under load`, () => {
    let project: TestProject;
    before(async () => {
      project = await startedWith(
        `    strategy: ${strategy}\n    smoke: [{ get: /, expect: { status: 200, contains: version } }]`,
      );
    });
    after(() => project.remove());

    it('releases again and again without a failed request', async (t) => {
      const load = steadyLoad(t, project.port);
      for (const version of ['v2', 'v3', 'v4']) {
        await build(project, version);
        assert.equal(outcomeOf(await project.deploy(version)), 'done');
      }
      const { versions } = await assertClean(load);
      assert.deepEqual(Object.keys(versions).toSorted(), ['v1', 'v2', 'v3', 'v4']);
      assert.equal((await instancesUnder(project.root)).length, 3);
    });

    it('rolls back by hand', async (t) => {
      const load = steadyLoad(t, project.port);
      const release = await project.rollback();
      assert.equal(outcomeOf(release), 'done');
      assert.equal(release.to, 'v3');
      await assertClean(load);
    });

    it('a version that fails its smoke test never meets a user', async (t) => {
      await build(project, 'bad', { broken: true });
      const load = steadyLoad(t, project.port);
      const release = await project.deploy('bad');
      assert.equal(outcomeOf(release), 'rolled-back');
      assert.equal(causeOf(release)?.code, 'SMOKE_FAILED');
      const { versions } = await assertClean(load);
      assert.deepEqual(Object.keys(versions), ['v3']);
    });

    it('a version that exits is taken back with how it ended', async (t) => {
      await build(project, 'exits', { exitAfterMs: 10 });
      const load = steadyLoad(t, project.port);
      const release = await project.deploy('exits');
      assert.equal(outcomeOf(release), 'rolled-back');
      assert.match(causeOf(release)?.detail ?? '', /exited with 7/);
      await assertClean(load);
    });

    it('goes on when control is killed in the middle', async (t) => {
      await build(project, 'v5');
      const load = steadyLoad(t, project.port);
      const id = await project.begin('v5');
      const begun = await project.eventually(async () => {
        const { entries } = await project.release(id);
        return entries.some(({ fact }) => fact.kind === 'routing-applied' || fact.kind === 'instance-ready');
      });
      assert.ok(begun);
      await project.killControl();
      await project.up();
      assert.equal(outcomeOf(await project.ended(id)), 'done');
      assert.ok(await project.eventually(() => project.allServe()));
      await assertClean(load);
      assert.equal((await instancesUnder(project.root)).length, 3);
    });

    it('a killed instance is started again and shares the socket', async () => {
      const [victim] = await instancesUnder(project.root);
      assert.ok(victim);
      process.kill(victim.pid, 'SIGKILL');
      const back = await project.eventually(async () => {
        const { instances } = await project.web();
        return instances.every((i) => i.traffic === 'serving' && i.pid !== victim.pid);
      });
      assert.ok(back, JSON.stringify(await project.web()));
      const seen = new Set<string>();
      const all = await project.eventually(async () => {
        const answer = await fetch(`http://127.0.0.1:${project.port}/`, { headers: { connection: 'close' } });
        seen.add(answer.headers.get('x-instance') ?? '');
        return seen.size === 3;
      });
      assert.ok(all, [...seen].join());
    });

    it('leaves nothing running, and starts again what served', async () => {
      await project.down();
      const gone = await project.eventually(async () => (await instancesUnder(project.root)).length === 0);
      assert.ok(gone);
      await project.up();
      assert.ok(await project.eventually(() => project.allServe()), JSON.stringify(await project.web()));
      assert.equal((await fetch(`http://127.0.0.1:${project.port}/`)).status, 200);
    });
  });
}
