/**
 * Hunts releases without evidence that go on or back by themselves, that nobody is asked about, or that ask again with
 * every control; and a CI job that waits for evidence for ever.
 */
import assert from 'node:assert/strict';
import { after, it, type TestContext } from 'node:test';
import { causeOf } from '../../src/core/release/records.ts';
import type { StatusResponse } from '../../src/wire/api.ts';
import { cli, endCli } from '../support/cli.ts';
import { assertEnded } from '../support/outcome.ts';
import { TestProject } from '../support/test-project.ts';

after(() => endCli());

/** Nobody sends a request, so there is never any evidence. */
async function serving(t: TestContext, onUnsure: string, patience = '6s'): Promise<TestProject> {
  const strategy = '{ type: canary, steps: [{ weight: 50, until: evidence }], bake: 100ms }';
  const project = await TestProject.create({
    instances: 1,
    service: `    strategy: ${strategy}\n    judge: { patience: ${patience}, onUnsure: ${onUnsure} }`,
  });
  t.after(() => project.remove());
  await project.up();
  for (const version of ['v1', 'v2']) await project.build(version);
  assertEnded(await project.deploy('v1'), 'done');
  return project;
}

it('hold: a person is asked, once, and a job in CI ends with what it waits for (R8)', async (t) => {
  const project = await serving(t, 'hold');
  const { root } = project;
  const { exitCode, out } = await cli(root, ['deploy', 'web', '--version', 'v2', '--dir', 'builds/v2']);
  assert.equal(exitCode, 4, out);
  assert.match(out, /judge: holds: the candidate has had no request yet; evidence 0%/);
  assert.match(out, /step 4 is not clear after 6s: it goes on with evidence, or when a person says so/);
  assert.match(out, /waits for evidence or a person: not clear after 6s.*\n.*go on: segue promote web/);

  await project.killControl();
  await project.up();
  const { release } = await project.web();
  assert.ok(release);
  const isJudged = async () => (await project.web()).standing !== null;
  assert.ok(await project.eventually(isJudged));
  const status = await cli(root, ['status']);
  assert.match(status.out, /waits for evidence or a person: not clear after 6s; go on: segue promote web/);
  assert.match(status.out, /judge: holds: the candidate has had no request yet; evidence 0%/);
  const asJson: StatusResponse = JSON.parse((await cli(root, ['status', '--json'])).out);
  const { standing } = asJson.services[0] ?? {};
  assert.deepEqual([standing?.verdict, standing?.missingMs], ['not-enough-evidence', null]);
  assert.ok(standing?.holds.includes('errors'));

  await project.api('POST', '/v1/services/web/promote', { by: 'kim', reason: 'known', extent: 'gate' });
  assertEnded(await project.ended(release.id), 'done');
  const { entries } = await project.release(release.id);
  assert.equal(entries.filter(({ fact }) => fact.kind === 'unsure').length, 1);
});

it('back: it is taken back for want of evidence, and says so', async (t) => {
  const project = await serving(t, 'back', '1s');
  const release = await project.deploy('v2');
  assertEnded(release, 'rolled-back');
  assert.equal(causeOf(release)?.code, 'EVIDENCE_MISSING');
});

it('promote: it goes on all the same, and the journal says so', async (t) => {
  const project = await serving(t, 'promote', '1s');
  const release = await project.deploy('v2');
  assertEnded(release, 'done');
  const { entries } = await project.release(release.id);
  const notes = entries.flatMap(({ fact }) => (fact.kind === 'step-done' ? [fact.note] : []));
  assert.ok(notes.includes('not clear after 1s, on all the same'), notes.join('\n'));
});
