/**
 * Hunts a candidate that users meet although it only gets copies (R3), one whose failing copies nobody heeds or that
 * is taken back although its copies are like their originals, and copies that slow whoever sent the original.
 */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { causeOf, type ReleaseRecord } from '../../src/core/release/records.ts';
import type { ShadowTraffic, TrafficResponse } from '../../src/wire/api.ts';
import { cli } from '../support/cli.ts';
import { assertEnded } from '../support/outcome.ts';
import { assertClean, plainLoad } from '../support/steady-load.ts';
import { TestProject } from '../support/test-project.ts';

async function serving(t: TestContext, strategy: string, candidate = {}): Promise<TestProject> {
  const judge = '{ errors: { negligible: 5% }, saturation: off }';
  const service = `    strategy: ${strategy}\n    judge: ${judge}`;
  const project = await TestProject.create({ instances: 2, service });
  t.after(() => project.remove());
  await project.up();
  await project.build('v1');
  await project.build('v2', candidate);
  assertEnded(await project.deploy('v1'), 'done');
  return project;
}

/** Who never tries again. */
const users = (t: TestContext, { port }: TestProject) =>
  plainLoad(t, port, [
    { kind: 'keep-alive', method: 'GET', path: '/', count: 4, thinkMs: 5 },
    { kind: 'keep-alive', method: 'POST', path: '/', body: 'x', count: 1, thinkMs: 5 },
  ]);

async function shadowOf(project: TestProject): Promise<ShadowTraffic | null> {
  const { services } = await project.api<TrafficResponse>('GET', '/v1/traffic');
  return services[0]?.shadow ?? null;
}

const requestsOf = ({ receipt }: ReleaseRecord, version: string) =>
  receipt?.perVersion.find((each) => each.version === version)?.requests ?? 0;

it('a candidate that answers copies with 500 is taken back before any user met it', async (t) => {
  const steps = '[{ shadow: 50%, for: 1h }, { weight: 5, for: 1h }]';
  const project = await serving(t, `{ type: canary, steps: ${steps} }`, { broken: true });
  const load = users(t, project);
  const release = await project.deploy('v2');
  assertEnded(release, 'rolled-back');
  const cause = causeOf(release);
  assert.equal(cause?.code, 'CANDIDATE_WORSE');
  assert.match(
    cause.detail,
    /shadow: \d+ of \d+ copies failed, 0 of their originals, \d+ with another status/,
  );
  const { versions } = await assertClean(load);
  assert.deepEqual(Object.keys(versions), ['v1']);
  assert.equal(requestsOf(release, 'v1') > 0, true);
  assert.equal(requestsOf(release, 'v2'), 0, 'a copy is no request of a user');
});

it('one whose copies are like their originals goes on when that is known, without users until then', async (t) => {
  const steps = '[{ shadow: { percent: 100, compare: status }, until: evidence, approve: true }]';
  const project = await serving(t, `{ type: canary, steps: ${steps}, bake: 100ms }`);
  const load = users(t, project);
  const id = await project.begin('v2');
  let shown = '';
  const isCompared = await project.eventually(async () => {
    const shadow = await shadowOf(project);
    if (!shadow || shadow.compared === 0) return false;
    shown = (await cli(project.root, ['traffic'])).out;
    return true;
  });
  assert.ok(isCompared);
  assert.match(shown, /shadow {2}v2 gets copies of 100% of GET, HEAD/);
  const isAsked = async () => {
    const { state, plan } = (await project.release(id)).release;
    return state.phase === 'forward' && plan.steps[state.at]?.kind === 'approve';
  };
  assert.ok(await project.eventually(isAsked), 'the evidence is there');
  await project.api('POST', '/v1/services/web/approve', { by: 'test', reason: '' });
  const release = await project.ended(id);
  assertEnded(release, 'done');
  const verdicts = (await project.release(id)).entries.flatMap(({ fact }) =>
    fact.kind === 'verdict' ? [fact] : [],
  );
  const guard = verdicts.at(0)?.judgement.guards.find((each) => each.guard === 'shadow');
  assert.equal(guard?.verdict, 'better-or-same');
  assert.match(guard.proof, /^0 of \d+ copies failed, 0 of their originals/);
  await assertClean(load);
});

it('one that hangs slows nobody, and its copies are left out', async (t) => {
  const steps = '[{ shadow: 100%, for: 1h }]';
  const project = await serving(t, `{ type: canary, steps: ${steps} }`, { hangs: true });
  const load = users(t, project);
  await load.mark('alone');
  assert.ok(await project.eventually(() => load.stats().answered > 1_000));
  await load.mark('begins');
  const id = await project.begin('v2');
  assert.ok(await project.eventually(async () => ((await shadowOf(project))?.dropped ?? 0) > 100));
  await load.mark('copied');
  const then = load.stats().answered;
  assert.ok(await project.eventually(() => load.stats().answered > then + 1_000));
  await project.abort();
  assertEnded(await project.ended(id), 'rolled-back');
  const { windows, versions } = await assertClean(load);
  assert.deepEqual(Object.keys(versions), ['v1']);
  const [alone, copied] = ['alone', 'copied'].map(
    (name) => windows.find((each) => each.name === name)?.latency,
  );
  assert.ok(alone && copied);
  assert.ok(
    copied.p50Ms < 5 * alone.p50Ms + 20,
    `p50 ${copied.p50Ms} ms with copies, ${alone.p50Ms} ms alone`,
  );
});
