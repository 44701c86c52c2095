/**
 * Hunts a judge that is there and changes nothing: a version that fails and goes up the ladder, one that is as good
 * as the other and never gets anywhere, a fault of both that is blamed on the new one, evidence that a killed
 * control forgets, and a rule of an A/B whose requests nobody looks at.
 */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { ReleaseRecord } from '../../src/core/release/records.ts';
import { causeOf } from '../../src/core/release/records.ts';
import { assertEnded, outcomeOf } from '../support/outcome.ts';
import { assertClean, plainLoad, steadyLoad } from '../support/steady-load.ts';
import { ask } from '../integration/gateway-harness.ts';
import { TestProject } from '../support/test-project.ts';

async function serving(t: TestContext, strategy: string, behaviour = {}, traffic = ''): Promise<TestProject> {
  const project = await TestProject.create({
    ...{ instances: 2, top: 'gateway: { workers: 1 }', service: `    strategy: ${strategy}`, traffic },
  });
  t.after(() => project.remove());
  await project.up();
  await project.build('v1', behaviour);
  assertEnded(await project.deploy('v1'), 'done');
  return project;
}

function why(release: ReleaseRecord): string {
  const cause = causeOf(release);
  return cause ? `${cause.code}: ${cause.detail}` : '';
}

it('takes back a version that fails, after a few requests and with the proof', async (t) => {
  const project = await serving(t, '{ type: canary, steps: [{ weight: 5, until: evidence }] }');
  await project.build('v2', { broken: true });
  // Some 400 requests a second, of which the candidate gets 20: a way back that takes a second has its room.
  const load = plainLoad(t, project.port, [
    { kind: 'keep-alive', method: 'GET', path: '/', count: 8, thinkMs: 20 },
  ]);
  const release = await project.deploy('v2');
  assertEnded(release, 'rolled-back');
  assert.match(why(release), /^CANDIDATE_BROKEN: /);
  const { failed } = await load.stop();
  assert.ok(failed > 0, 'somebody has to meet it');
  assert.ok(failed <= 60, `${failed} requests failed`);
  const { entries } = await project.release(release.id);
  const last = entries.findLast(({ fact }) => fact.kind === 'verdict');
  assert.ok(last?.fact.kind === 'verdict');
  assert.equal(last.fact.verdict, 'worse');
});

it('lets a version that is as good go up the ladder by evidence alone', async (t) => {
  const steps = '[{ weight: 20, until: evidence }, { weight: 50, until: evidence }]';
  const project = await serving(t, `{ type: canary, steps: ${steps}, bake: 100ms }`);
  await project.build('v2');
  const load = steadyLoad(t, project.port);
  const id = await project.begin('v2');
  // Each stage waits for evidence of its own: on a busy machine that takes its time.
  const isOver = async () => (await project.release(id)).release.endedAtMs !== null;
  assert.ok(await project.eventually(isOver, 300_000));
  assertEnded(await project.ended(id), 'done');
  await assertClean(load);
});

it('blames nobody for a fault that both versions share', async (t) => {
  const project = await serving(t, '{ type: canary, steps: [{ weight: 50, until: evidence }] }', {
    broken: true,
  });
  await project.build('v2', { broken: true });
  const load = steadyLoad(t, project.port);
  const release = await project.begin('v2');
  const met = await project.eventually(() => (load.stats().versions['v2']?.requests ?? 0) > 300);
  assert.ok(met);
  const now = (await project.release(release)).release;
  assert.notEqual(outcomeOf(now), 'rolled-back', why(now));
  await load.stop();
  await project.abort();
  await project.ended(release);
});

it('goes on with what it had when control is killed in a stage', async (t) => {
  const project = await serving(t, '{ type: canary, steps: [{ weight: 50, until: evidence }], bake: 100ms }');
  await project.build('v2');
  const load = steadyLoad(t, project.port);
  const release = await project.begin('v2');
  assert.ok(await project.eventually(() => (load.stats().versions['v2']?.requests ?? 0) > 200));
  await project.killControl();
  await project.up();
  assertEnded(await project.ended(release), 'done');
  await assertClean(load);
});

it('counts clients, not requests, where a hash keeps them: one of them is no evidence, many are', async (t) => {
  const strategy = '{ type: canary, steps: [{ weight: 50, until: evidence }], bake: 100ms }';
  const judge = '\n    judge: { errors: { negligible: 5% }, saturation: off }';
  const project = await serving(t, `${strategy}${judge}`, {}, ', sticky: { hash: { header: x-user } }');
  await project.build('v2');
  const id = await project.begin('v2');
  const visit = async (user: string) =>
    String((await ask(project.port, { headers: { 'x-user': user } })).headers['x-shop-version']);
  const seen = async () => (await project.release(id)).judging?.rows[0]?.candidate.requests ?? 0;
  assert.ok(await project.eventually(async () => (await project.release(id)).judging !== null));
  let one = 0;
  while ((await visit(`user-${one}`)) !== 'v2') one += 1;
  for (let request = 0; request < 400; request += 1) await visit(`user-${one}`);
  assert.ok(await project.eventually(async () => (await seen()) >= 400));
  const { judging } = await project.release(id);
  assert.equal(judging?.judgement.verdict, 'not-enough-evidence');
  assert.deepEqual(
    judging.judgement.findings.map(({ guard }) => guard),
    ['errors'],
  );
  for (let user = 0; (await project.release(id)).release.endedAtMs === null && user < 2_000; user += 1)
    await visit(`other-${user}`);
  assertEnded(await project.ended(id), 'done');
});

it('judges what the rules of an A/B give to the new version', async (t) => {
  const traffic = ', sticky: { cookie: shop, ttl: 1h }';
  const project = await serving(
    t,
    '{ type: ab, rules: [{ share: 20% }], for: 1h, until: evidence }',
    {},
    traffic,
  );
  await project.build('v2', { broken: true });
  const load = steadyLoad(t, project.port);
  const release = await project.deploy('v2');
  assertEnded(release, 'rolled-back');
  assert.match(why(release), /^CANDIDATE_BROKEN: /);
  await load.stop();
});
