/**
 * Hunts a version that cannot be released - unknown service, taken name, no folder, a program that does not
 * start, listen or end as it should - and that fails without its reason, with the wrong exit code, or at the
 * cost of the version that serves.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { somePort } from '../contract/some-port.ts';
import { deployOf, refused, type Refusal, serving, serveV1, succeeds } from '../support/bad-input.ts';
import { endCli } from '../support/cli.ts';
import { instancesUnder } from '../support/processes.ts';
import { TestProject } from '../support/test-project.ts';

after(endCli);

describe('a version that cannot be released', () => {
  let project: TestProject;
  before(async () => {
    project = await TestProject.create({ stopWithin: '500ms' });
    await serveV1(project);
    await project.build('other');
  });
  after(() => project.remove());

  const pids = async () =>
    (await instancesUnder(project.root)).map(({ pid }) => pid).toSorted((a, b) => a - b);

  /** Refused under load; the instances that served are the same ones afterwards and the only ones. */
  function refusedAsOf(
    name: string,
    words: readonly string[],
    refusal: Refusal,
    prepare?: () => Promise<unknown>,
  ): void {
    it(name, async (t) => {
      await prepare?.();
      const served = await pids();
      await serving(t, project, 'v1', () => refused(project, words, refusal));
      assert.deepEqual(await pids(), served);
      assert.equal((await project.web()).release, null);
      await project.writeFile({ stopWithin: '500ms' });
    });
  }

  refusedAsOf(
    'of a service that is not there',
    ['deploy', 'wbe', '--version', 'v9', '--dir', 'builds/other'],
    {
      exit: 2,
      says: /^error SERVICE_UNKNOWN: .*\n {2}"wbe"; there is web\./,
    },
  );
  refusedAsOf('under a name that has other files', deployOf('v1', 'builds/other'), {
    exit: 5,
    says: /^error VERSION_EXISTS: .*\n {2}web v1 was released with other files\.\nnext: .*--version/,
  });
  refusedAsOf('from a folder that does not exist', deployOf('v2', 'builds/nowhere'), {
    exit: 2,
    says: /^error SOURCE_MISSING: [\s\S]*builds\/nowhere/,
  });
  for (const name of ['feature/login', '../../etc', '.hidden', 'v'.repeat(200), 'two words', ''])
    refusedAsOf(`named ${JSON.stringify(name.slice(0, 20))}`, deployOf(name, 'builds/other'), {
      exit: 2,
      says: /^error USAGE: .*\n {2}--version: expected up to 63 letters, digits and/,
    });
  refusedAsOf('by going back to such a name', ['rollback', '--to', 'a/b'], {
    exit: 2,
    says: /^error USAGE: .*\n {2}--to: expected up to 63 letters/,
  });
  refusedAsOf(
    'because its command does not exist',
    deployOf('typo'),
    {
      exit: 3,
      says: /rolled back[\s\S]*The command of the service does not exist\. "no-such-program" was looked for in/,
    },
    async () => {
      await project.build('typo');
      await project.writeFile({ command: 'no-such-program --serve' });
    },
  );
  refusedAsOf(
    'because its program is not in the folder',
    deployOf('gone'),
    { exit: 3, says: /rolled back[\s\S]*exited with 1[\s\S]*Cannot find module/ },
    async () => {
      await project.build('gone');
      await project.writeFile({ command: 'node no-such-file.mjs' });
    },
  );
  refusedAsOf(
    'because it listens on another port',
    deployOf('lost'),
    { exit: 3, says: /rolled back[\s\S]*was told to listen on \d+ and listens on \d+/ },
    async () => {
      await project.build('lost', { port: await somePort() });
      await project.writeFile({ stopWithin: '500ms', readyWithin: '10s' });
    },
  );

  it('a version that serves already has nothing to do', async () => {
    assert.match((await succeeds(project, ...deployOf('v1'))).out, /^v1 serves web already\n$/);
  });

  it('a program that ignores its signal is killed after its limit, and the release goes on', async () => {
    await project.build('deaf', { ignoresSigterm: true });
    await succeeds(project, ...deployOf('deaf'));
    await project.build('v2');
    const { out } = await succeeds(project, ...deployOf('v2'));
    assert.match(out, /stopped: kill, \d+ms/);
    assert.equal((await instancesUnder(project.root)).length, 2);
  });
});
