/**
 * Hunts a disk that takes the traffic with it: full, read-only, or with a journal of a newer Segue on it. Control
 * refuses or waits and says why, what serves serves on, and when the disk is right again things go on.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it, type TestContext } from 'node:test';
import { noMounts } from '../contract/child.ts';
import { checkRefusal, deployOf, refused, serving, serveV1, succeeds } from '../support/bad-input.ts';
import { cli, type CliResult, endCli, startCli } from '../support/cli.ts';
import { MountNamespace } from '../support/mount-namespace.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { TestProject } from '../support/test-project.ts';

after(endCli);

const OK = { exit: 0, says: /./ };

describe('a full disk', { skip: noMounts }, () => {
  /** A project whose `.segue` is a small disk of its own, serving v1. */
  async function onSmallDisk(t: TestContext, service = '') {
    const project = await TestProject.create({ service });
    t.after(() => project.remove());
    const namespace = await MountNamespace.create();
    t.after(() => namespace.end());
    const { root } = project;
    await namespace.sh(root, 'mkdir .segue && mount -t tmpfs -o size=16m,mode=700 small .segue');
    const segue = (...words: string[]): Promise<CliResult> => cli(root, words, {}, namespace.inside(root));
    for (const version of ['v1', 'v2']) await project.build(version);
    checkRefusal(['up'], await segue('up'), OK);
    checkRefusal(['deploy'], await segue(...deployOf('v1')), OK);
    return {
      project,
      segue,
      start: (words: readonly string[]) => startCli(root, words, {}, namespace.inside(root)),
      fill: () =>
        namespace.sh(root, 'dd if=/dev/zero of=.segue/filler bs=4k 2>/dev/null || test -s .segue/filler'),
      free: () => namespace.sh(root, 'rm .segue/filler'),
    };
  }

  it('before a release: refused, what serves serves on, and with space again it goes through', async (t) => {
    const { project, segue, fill, free } = await onSmallDisk(t);
    await fill();
    await serving(t, project, 'v1', async () => {
      const refusal = { exit: 5, says: /^error DISK_FULL: There is no space left for \.segue\.\n/ };
      checkRefusal(['deploy'], await segue(...deployOf('v2')), refusal);
      checkRefusal(['status'], await segue('status'), { exit: 0, says: /v1 serves/ });
    });
    await free();
    checkRefusal(['deploy'], await segue(...deployOf('v2')), OK);
  });

  it('in the middle of a release: it waits and says so, and goes on to its end', async (t) => {
    const { project, segue, start, fill, free } = await onSmallDisk(
      t,
      '    strategy: { type: rolling, bake: 5s }',
    );
    const load = steadyLoad(t, project.port);
    const deploy = start(deployOf('v2'));
    assert.ok(await project.eventually(() => deploy.output().includes('bake for 5s ...')));
    await fill();
    const waits = async () => (await segue('status')).out.includes('There is no space left for .segue.');
    assert.ok(await project.eventually(waits), 'the status says why it does not go on');
    await free();
    checkRefusal(['deploy'], await deploy.result, { exit: 0, says: /done: v2 serves web/ });
    assert.doesNotMatch((await segue('status')).out, /no space left/);
    const { versions } = await assertClean(load);
    assert.deepEqual(Object.keys(versions), ['v1', 'v2']);
  });
});

describe('a read-only folder', { skip: noMounts }, () => {
  async function readOnlyView(t: TestContext, project: TestProject): Promise<readonly string[]> {
    const namespace = await MountNamespace.create();
    t.after(() => namespace.end());
    await namespace.sh('/', `mount --bind "${project.root}" "${project.root}"`);
    await namespace.sh('/', `mount -o remount,bind,ro "${project.root}"`);
    return namespace.inside(project.root);
  }

  const refusal = { exit: 5, says: /^error DIRECTORY_READ_ONLY: .*\n[\s\S]*\.segue/ };

  it('of a new project: up refuses', async (t) => {
    const project = await TestProject.create();
    t.after(() => project.remove());
    const inside = await readOnlyView(t, project);
    checkRefusal(['up'], await cli(project.root, ['up'], {}, inside), refusal);
  });

  it('of one whose control has died: up refuses, and what serves serves on', async (t) => {
    const project = await TestProject.create();
    t.after(() => project.remove());
    await serveV1(project);
    process.kill((await project.status()).control.pid, 'SIGKILL');
    const inside = await readOnlyView(t, project);
    await serving(t, project, 'v1', async () => {
      checkRefusal(['up'], await cli(project.root, ['up'], {}, inside), refusal);
    });
    await succeeds(project, 'up');
    assert.ok(await project.eventually(() => project.allServe()));
  });
});

describe('a journal', () => {
  it('of a newer Segue is not touched: up refuses, what serves serves on', async (t) => {
    const project = await TestProject.create();
    t.after(() => project.remove());
    await serveV1(project);
    await project.build('v2');
    await succeeds(project, 'down', '--keep-instances');
    const was = setFormat(project, 99);
    await serving(t, project, 'v1', () =>
      refused(project, ['up'], {
        exit: 5,
        says: /^error JOURNAL_NEWER: .*\n {2}Its format is 99; this Segue knows formats up to \d+\.\n/,
      }),
    );
    assert.equal(setFormat(project, was), 99, 'it is as the newer Segue left it');
    await serving(t, project, 'v1', () => succeeds(project, 'up'));
    await succeeds(project, ...deployOf('v2'));
  });
});

/** Returns the one before. */
function setFormat(project: TestProject, format: number): number {
  const database = new DatabaseSync(path.join(project.root, '.segue/journal.db'));
  const was = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  database.exec(`PRAGMA user_version = ${format}`);
  database.close();
  return was;
}
