/**
 * Hunts a canary that users notice: a request lost while its weight rises, falls, or is taken away at any stage; a
 * weight that is not what was asked for; and instances left over when it ends, however it ends.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { assertEnded } from '../support/outcome.ts';
import { instancesUnder } from '../support/processes.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { type ProjectOptions, TestProject } from '../support/test-project.ts';
import { ask } from '../integration/gateway-harness.ts';

async function serving(t: TestContext, strategy: string, options: ProjectOptions = {}): Promise<TestProject> {
  const project = await TestProject.create({
    ...{ instances: 4, top: 'gateway: { workers: 1 }', service: `    strategy: ${strategy}` },
    ...options,
  });
  t.after(() => project.remove());
  await project.up();
  for (const version of ['v1', 'v2']) await project.build(version);
  assertEnded(await project.deploy('v1'), 'done');
  return project;
}

/** The weight is in force, and nothing is to be done before its time is over. */
async function holdsAt(project: TestProject, percent: number): Promise<void> {
  const holds = await project.eventually(async () => {
    const { release } = await project.web();
    if (!release) return false;
    const { state, plan } = (await project.release(release.id)).release;
    if (state.phase !== 'forward' || plan.steps[state.at]?.kind !== 'hold') return false;
    const routed = plan.steps.slice(0, state.at).findLast((step) => step.kind === 'route');
    return routed?.kind === 'route' && routed.rotation.split?.candidate.percent === percent;
  });
  assert.ok(holds, `the release holds at ${percent}%`);
}

/** Wanted instances of this version in traffic, and no other process of any version. */
async function assertAlone(project: TestProject, version: string): Promise<void> {
  assert.ok(await project.eventually(() => project.allServe()));
  const { stable, instances } = await project.web();
  assert.equal(stable, version);
  const known = new Set(instances.map(({ pid }) => pid));
  const others = (await instancesUnder(project.root)).filter(({ pid }) => !known.has(pid));
  assert.deepEqual(others, []);
}

const LADDER = 'steps: [{ weight: 5, for: 200ms }, { weight: 30, for: 200ms }, { weight: 60, for: 200ms }]';

for (const how of ['', 'stable: shrink, ', 'baseline: true, ', 'stable: shrink, baseline: true, '])
  it(`goes up the ladder and loses nothing: { ${how}... }`, async (t) => {
    const project = await serving(t, `{ type: canary, ${how}${LADDER}, bake: 100ms }`);
    const load = steadyLoad(t, project.port);
    const release = await project.deploy('v2');
    assertEnded(release, 'done');
    await assertClean(load);
    assert.equal(release.receipt?.failed, 0);
    await assertAlone(project, 'v2');
  });

it('gives the candidate exactly its weight, and no more instances than that needs', async (t) => {
  const steps = 'steps: [{ weight: 10, for: 100ms }, { weight: 35, for: 1h }]';
  const project = await serving(t, `{ type: canary, ${steps} }`, { instances: 3 });
  await project.begin('v2');
  await holdsAt(project, 35);
  const { instances } = await project.web();
  assert.equal(instances.filter(({ version }) => version === 'v2').length, 2);
  const met: string[] = [];
  for (let i = 0; i < 100; i += 1) met.push(String((await ask(project.port)).headers['x-shop-version']));
  assert.equal(met.filter((version) => version === 'v2').length, 35);
  assert.equal(met.filter((version) => version === 'v1').length, 65);
});

describe('abort', () => {
  const first = '[{ weight: 5, for: 1h }]';
  const second = '[{ weight: 5, for: 100ms }, { weight: 30, for: 1h }]';
  const third = '[{ weight: 5, for: 100ms }, { weight: 60, for: 1h }]';
  const stages: readonly (readonly [how: string, percent: number, steps: string])[] = [
    ['', 5, first],
    ['', 30, second],
    ['', 60, third],
    ['stable: shrink, ', 60, third],
    ['baseline: true, ', 30, second],
  ];
  for (const [how, percent, steps] of stages)
    it(`loses nothing at ${percent}%: { ${how}... }`, async (t) => {
      const project = await serving(t, `{ type: canary, ${how}steps: ${steps} }`);
      const load = steadyLoad(t, project.port);
      const release = await project.begin('v2');
      await holdsAt(project, percent);
      const met = await project.eventually(() => (load.stats().versions['v2']?.requests ?? 0) > 0);
      assert.ok(met, 'users meet the candidate');
      await project.abort();
      const { receipt, ...ended } = await project.ended(release);
      assertEnded({ receipt, ...ended }, 'rolled-back');
      await assertClean(load);
      assert.equal(receipt?.failed, 0);
      await assertAlone(project, 'v1');
    });
});

const SHRUNK = '{ type: canary, stable: shrink, steps: [{ weight: 70, for: 1h }] }';

/** The steps of the way back, and why it was taken. */
async function wayBack(project: TestProject, id: string) {
  const { entries } = await project.release(id);
  const back = entries.findLast(({ fact }) => fact.kind === 'back-planned');
  assert.ok(back?.fact.kind === 'back-planned');
  const { steps, cause } = back.fact;
  const [first] = steps;
  assert.ok(first?.kind === 'route');
  return { kinds: steps.map(({ kind }) => kind), first: first.rotation, code: cause.code };
}

const RESTORES = ['route', 'start', 'ready', 'route', 'drain', 'stop'];

it('gives stable what it can bear at once when it was shrunk', async (t) => {
  const project = await serving(t, SHRUNK);
  const release = await project.begin('v2');
  await holdsAt(project, 70);
  await project.abort();
  await project.ended(release);
  const { kinds, first } = await wayBack(project, release);
  assert.deepEqual(kinds, RESTORES);
  // Two of four run: they bear one half.
  assert.equal(first.split?.candidate.percent, 50);
});

for (const [what, behaviour, code, left] of [
  [
    'is only worse leaves as fast as what is warm of stable can bear',
    { failsEvery: 4 },
    'CANDIDATE_WORSE',
    50,
  ],
  [
    'is broken leaves in one routing, however short stable is',
    { broken: true },
    'CANDIDATE_BROKEN',
    undefined,
  ],
] as const)
  it(`beside a shrunk stable, a candidate that ${what}`, async (t) => {
    const project = await serving(t, SHRUNK);
    const release = await project.begin('v2');
    await holdsAt(project, 70);
    steadyLoad(t, project.port);
    const { instances } = await project.web();
    const candidates = instances.filter(({ version }) => version === 'v2');
    const become = `/become?${encodeURIComponent(JSON.stringify(behaviour))}`;
    for (const { port } of candidates) await ask(port, { path: become });
    assertEnded(await project.ended(release), 'rolled-back');
    const back = await wayBack(project, release);
    assert.equal(back.code, code);
    assert.deepEqual(back.kinds, RESTORES);
    assert.equal(back.first.split?.candidate.percent, left);
    await assertAlone(project, 'v1');
  });
