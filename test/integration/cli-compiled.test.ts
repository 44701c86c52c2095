/**
 * Hunts compiled code that is lost with a process that is killed, that lies where somebody else may write, or that
 * reaches the programs that are released.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, it, type TestContext } from 'node:test';
import { cli, endCli } from '../support/cli.ts';
import { assertEnded } from '../support/outcome.ts';
import { TestProject } from '../support/test-project.ts';

after(endCli);

async function emptyFolder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'segue-compiled-'));
  t.after(() => rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  return dir;
}

async function filesIn(dir: string): Promise<number> {
  const found = await readdir(dir, { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).length;
}

it('what control and the gateway compiled is kept while they run, and is no business of instances', async (t) => {
  const kept = await emptyFolder(t);
  const project = await TestProject.create({ instances: 1 });
  t.after(() => project.remove());
  await project.build('v1');
  await project.up({ env: { NODE_COMPILE_CACHE: kept } });
  // Each of control, the gateway and its worker is at least one file.
  assert.ok(await project.eventually(async () => (await filesIn(kept)) >= 3));
  assert.equal(project.control?.exitCode, null);
  assertEnded(await project.deploy('v1'), 'done');
  const [instance] = (await project.web()).instances;
  const environment = await readFile(`/proc/${instance?.pid}/environ`, 'utf8');
  assert.match(environment, /SEGUE_INSTANCE=/);
  assert.doesNotMatch(environment, /COMPILE_CACHE/);
});

it('is kept where the user database says, not where HOME does, and nowhere when that is asked for', async (t) => {
  const [home, kept] = [await emptyFolder(t), await emptyFolder(t)];
  const run = async (env: Record<string, string>) => {
    const { exitCode, err } = await cli(home, ['--version'], { HOME: home, ...env });
    assert.equal(exitCode, 0, err);
  };
  await run({ NODE_COMPILE_CACHE: '' });
  await run({ NODE_COMPILE_CACHE: kept, NODE_DISABLE_COMPILE_CACHE: '1' });
  assert.deepEqual([await filesIn(home), await filesIn(kept)], [0, 0]);
  await run({ NODE_COMPILE_CACHE: kept });
  assert.ok((await filesIn(kept)) > 0);
});
