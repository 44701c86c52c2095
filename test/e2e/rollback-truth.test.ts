/**
 * Row 16 of the loss table: a rollback that is reported as a success although the old version never came up.
 * A way back that cannot be gone says so, leaves what serves as it is, and "rolled back" is said only after
 * the instances of stable were seen ready (R9).
 */
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { cli, endCli } from '../support/cli.ts';
import { assertEnded } from '../support/outcome.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { TestProject } from '../support/test-project.ts';

after(endCli);

describe('row 16: a rollback', () => {
  let project: TestProject;
  /** While this file is there, v1 ends as soon as it starts. */
  let poison = '';
  before(async () => {
    // Without surge v1 is gone when v2 bakes: the way back has to start it again.
    project = await TestProject.create({
      service: '    strategy: { type: rolling, surge: 0, unavailable: 1, bake: 60s }',
    });
    poison = path.join(project.root, 'poison');
    await project.up();
    await project.build('v1', { exitsWhereThereIs: poison });
    await project.build('v2');
  });
  after(() => project.remove());

  /** v1 serves, whatever served before. */
  async function startOver(): Promise<void> {
    await rm(poison, { force: true });
    await project.writeFile({});
    if ((await project.web()).stable !== 'v1') assertEnded(await project.deploy('v1'), 'done');
    await project.writeFile({
      service: '    strategy: { type: rolling, surge: 0, unavailable: 1, bake: 60s }',
    });
  }

  /** v2 has all the traffic and is not promoted yet; resolves with the release. */
  async function bakeV2(): Promise<string> {
    const release = await project.begin('v2');
    const bakes = async () => (await project.web()).release?.step?.startsWith('bake') ?? false;
    assert.ok(await project.eventually(bakes));
    return release;
  }

  async function assertServes(t: TestContext, version: string): Promise<void> {
    const { versions } = await assertClean(steadyLoad(t, project.port));
    assert.deepEqual(Object.keys(versions), [version]);
  }

  it('says "rolled back" only after every instance of stable was seen ready again', async (t) => {
    await startOver();
    const release = await bakeV2();
    const load = steadyLoad(t, project.port);
    const abort = await cli(project.root, ['abort', '--reason', 'to see it']);
    assert.equal(abort.exitCode, 0, abort.err);
    assert.match(abort.out, /rolled back after .*: v1 serves as before\n/);
    assert.ok(await project.allServe());
    await assertClean(load);
    const { entries } = await project.release(release);
    const kinds = entries.map(({ fact }) => fact.kind);
    const end = kinds.indexOf('release-ended');
    assert.equal(end, kinds.length - 1, 'nothing comes after the end');
    const { instances } = await project.web();
    const journal = await project.journal();
    const endSeq = entries[end]?.seq ?? 0;
    for (const { id } of instances)
      assert.ok(
        journal.some(
          ({ fact, seq }) => seq < endSeq && fact.kind === 'instance-ready' && fact.instance === id,
        ),
        `${id} was ready before the release ended`,
      );
    await assertServes(t, 'v1');
  });

  it('in the middle of a release that cannot start stable again is stuck, not done', async (t) => {
    await startOver();
    const release = await bakeV2();
    await writeFile(poison, '');
    const load = steadyLoad(t, project.port);
    const abort = await cli(project.root, ['abort']);
    assert.equal(abort.exitCode, 1, abort.out);
    assert.match(abort.out, /stuck after .*:\s+The release could be neither finished nor taken back\./);
    assert.match(abort.out, /what this version needs is gone/);
    assert.doesNotMatch(abort.out, /rolled back|last request on/);
    assert.deepEqual(Object.keys((await assertClean(load)).versions), ['v2']);
    assert.equal((await project.release(release)).summary.state, 'stuck');
  });

  it('by hand to a version that does not start ends with what served before', async (t) => {
    await startOver();
    await project.writeFile({});
    assertEnded(await project.deploy('v2'), 'done');
    await writeFile(poison, '');
    const load = steadyLoad(t, project.port);
    const back = await cli(project.root, ['rollback']);
    assert.equal(back.exitCode, 3, back.out);
    assert.match(back.out, /rolled back after .*: v2 serves as before\n/);
    assert.match(back.out, /what this version needs is gone/);
    assert.deepEqual(Object.keys((await assertClean(load)).versions), ['v2']);
    assert.ok(await project.allServe());
    assert.equal((await project.web()).stable, 'v2');
  });

  it('to a version whose kept files are not whole is refused before anything is changed', async (t) => {
    await rm(path.join(project.root, '.segue/releases/web/v1/files/server.mjs'));
    const running = (await project.web()).instances.map((i) => i.pid);
    const back = await cli(project.root, ['rollback', '--to', 'v1']);
    assert.equal(back.exitCode, 5, back.out);
    assert.match(back.err, /^error VERSION_DAMAGED: .*\n {2}web v1\n/);
    assert.deepEqual(
      (await project.web()).instances.map((i) => i.pid),
      running,
    );
    await assertServes(t, 'v2');
  });
});
