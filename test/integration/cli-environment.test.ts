/**
 * Hunts the restart that moves what runs to another environment: `up` without a name goes on with the one that
 * was up last, and only `none` leads back.
 */
import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { cli, endCli } from '../support/cli.ts';
import { TestProject } from '../support/test-project.ts';

after(endCli);

it('an environment is remembered until another one is asked for', async (t) => {
  const top = 'environments: { staging: { services: { web: { instances: 1 } } } }';
  const project = await TestProject.create({ top });
  t.after(() => project.remove());
  const environmentAfter = async (...words: string[]) => {
    const up = await cli(project.root, ['up', ...words]);
    assert.equal(up.exitCode, 0, up.err);
    return (await project.status()).environment;
  };
  const down = async () => assert.equal((await cli(project.root, ['down'])).exitCode, 0);

  assert.equal(await environmentAfter('--environment', 'staging'), 'staging');
  assert.equal(await environmentAfter(), 'staging');
  const other = await cli(project.root, ['up', '--environment', 'none']);
  assert.equal(other.exitCode, 5);
  assert.match(other.err, /CONTROL_RUNNING: .*\n.*staging/);
  await down();
  assert.equal(await environmentAfter(), 'staging');
  await down();
  assert.equal(await environmentAfter('--environment', 'none'), null);
  await down();
  assert.equal(await environmentAfter(), null);
});
