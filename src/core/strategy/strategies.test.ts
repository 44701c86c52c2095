/**
 * Hunts plans that break a promise for some size, batch, surge or moment of failure: traffic without a ready
 * instance (R1), an instance stopped under its requests (R2), a candidate with traffic too early (R3), a
 * candidate that one routing does not take out (R4), two versions at once that must not be (R10), and a way back
 * that does not end at stable.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_JUDGE } from '../judge/rules.ts';
import type { Service, StrategyChoice } from '../project.ts';
import { planBack } from '../release/back.ts';
import { type Facts, instanceId } from '../release/facts.ts';
import { makePlan } from '../release/planning.ts';
import { factsOf, simulate, type Simulation, simulationOf } from '../release/simulation.ts';
import type { Step } from '../release/step.ts';
import { verifyPlan, verifySteps } from '../release/verify.ts';
import { canaryChoice } from '../../../test/support/strategy-choices.ts';
import { DEFAULT_POLICY } from '../traffic/policy.ts';

const rollingChoice = fc
  .record({
    surge: fc.nat(6),
    unavailable: fc.nat(6),
    batch: fc.option(fc.integer({ min: 1, max: 8 }), { nil: null }),
    bakeMs: fc.constantFrom(0, 5_000),
  })
  .map((choice): StrategyChoice => ({ type: 'rolling', ...choice }));

const blueGreenChoice = fc
  .record({
    previewForMs: fc.option(fc.constantFrom(0, 60_000), { nil: null }),
    bakeMs: fc.constantFrom(0, 5_000),
  })
  .map(({ previewForMs: forMs, bakeMs }): StrategyChoice => ({
    type: 'blue-green',
    preview: forMs === null ? null : { header: 'segue-preview', value: 'candidate', when: null, forMs },
    bakeMs,
  }));

const handoverChoice = fc
  .record({ withinMs: fc.option(fc.constantFrom(1, 900), { nil: null }), bakeMs: fc.constantFrom(0, 5_000) })
  .map((choice): StrategyChoice => ({ type: 'handover', ...choice }));

const scene = fc.record({
  choice: fc.oneof(rollingChoice, blueGreenChoice, canaryChoice, handoverChoice),
  /** What ran before must not meet another version, whatever the new one says. */
  oldAlone: fc.boolean(),
  kind: fc.constantFrom<'deploy' | 'rollback'>('deploy', 'rollback'),
  wanted: fc.integer({ min: 1, max: 12 }),
  readyBefore: fc.array(fc.boolean(), { maxLength: 12 }),
  smokes: fc.boolean(),
});
type Scene = typeof scene extends fc.Arbitrary<infer T> ? T : never;

function factsFor({ readyBefore, choice, oldAlone }: Scene): Facts {
  const running = readyBefore.map((ready, i) => ({
    id: instanceId('web', 'r1', i + 1),
    version: 'v1',
    ready,
  }));
  return {
    service: 'web',
    stable: running.length > 0 ? 'v1' : null,
    stableInstances: running.length,
    running,
    rotation: { instances: running.map((i) => i.id), split: null, draining: [] },
    nextInstance: 1,
    alone: oldAlone || choice.type === 'handover' ? { holdMs: 1_000, readyMs: 100 } : null,
  };
}

function serviceFor({ choice, wanted, smokes }: Scene): Service {
  const check = { type: 'tcp', host: null, port: null } as const;
  const times = { intervalMs: 500, timeoutMs: 1_000, successes: 2, failures: 3, withinMs: 60_000 };
  return {
    name: 'web',
    run: { command: 'serve', env: {}, stop: { signal: 'SIGTERM', withinMs: 1_000 } },
    files: { dir: '.', ignore: [] },
    instances: wanted,
    traffic: {
      mode: 'gateway',
      listen: { host: '::', port: 8080 },
      routes: [{ host: null, path: '/' }],
      drain: { requestsMs: 1_000, streamsMs: 1_000 },
      hold: { forMs: 1_000, requestsMax: 10 },
      responseMs: 1_000,
      policy: DEFAULT_POLICY,
      maintenancePage: null,
      sticky: null,
      flags: null,
      slowStartMs: 0,
      tls: null,
      protocol: 'http1',
    },
    health: { liveness: null, readiness: { check, ...times }, dependencies: {} },
    strategy: choice,
    judge: DEFAULT_JUDGE,
    smoke: smokes ? [{ type: 'command', command: 'true', timeoutMs: 1_000 }] : [],
    after: [],
  };
}

function planFor(sceneNow: Scene): { facts: Facts; steps: readonly Step[] } {
  const facts = factsFor(sceneNow);
  const service = serviceFor(sceneNow);
  const plan = makePlan({ kind: sceneNow.kind, facts, release: 'r2', to: 'v2', service, problems: [] });
  return { facts, steps: plan.steps };
}

const play = (from: Simulation, steps: readonly Step[]) => steps.reduce(simulate, from);

/** Every step that was begun may have been done in part: any of its instances may or may not be there. */
function failAt(facts: Facts, steps: readonly Step[], at: number, done: boolean, part: number): Simulation {
  const before = play(simulationOf(facts), steps.slice(0, at));
  const step = steps[at];
  if (!step) return before;
  if (step.kind === 'start' || step.kind === 'ready')
    return simulate(before, { ...step, instances: step.instances.slice(0, part) });
  return done ? simulate(before, step) : before;
}

describe('every strategy', () => {
  it('makes plans that keep R1 to R4 and R10, whatever the numbers', () => {
    fc.assert(
      fc.property(scene, (sceneNow) => {
        const { facts, steps } = planFor(sceneNow);
        assert.deepEqual(verifyPlan(facts, steps, 'r2'), []);
      }),
      { numRuns: 2_000 },
    );
  });

  it('ends with the wanted instances of the new version in rotation and nothing else running', () => {
    fc.assert(
      fc.property(scene, (sceneNow) => {
        const { facts, steps } = planFor(sceneNow);
        const end = play(simulationOf(facts), steps);
        assert.equal(end.stable, 'v2');
        assert.deepEqual(
          [...end.instances.values()].map((i) => i.version),
          Array(sceneNow.wanted).fill('v2'),
        );
        assert.deepEqual(new Set(end.rotation.instances), new Set(end.instances.keys()));
        assert.equal(end.rotation.split, null);
      }),
      { numRuns: 2_000 },
    );
  });

  it('goes back from any point of failure to stable alone, and keeps R1 to R3 and R10 on the way', () => {
    const failure = fc.record({ at: fc.nat(80), done: fc.boolean(), part: fc.nat(12), urgent: fc.boolean() });
    fc.assert(
      fc.property(scene, failure, (sceneNow, { at, done, part, urgent }) => {
        const { facts, steps } = planFor(sceneNow);
        const failed = failAt(facts, steps, at % steps.length, done, part);
        if (failed.stable !== facts.stable) return;
        const now = factsOf(failed, facts);
        const back = planBack({ facts: now, release: 'r2', urgent });
        assert.deepEqual(verifySteps(now, back), []);
        const end = play(simulationOf(now), back);
        assert.deepEqual(
          [...end.instances.values()].filter((i) => i.version !== facts.stable),
          [],
        );
        assert.equal(
          end.instances.size,
          facts.stableInstances,
          'stable has its instances again, and no others',
        );
        assert.deepEqual(new Set(end.rotation.instances), new Set(end.instances.keys()));
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('rolling', () => {
  it('keeps between wanted - unavailable and wanted + surge instances in rotation', () => {
    const steady = fc.record({ wanted: fc.integer({ min: 1, max: 12 }), choice: rollingChoice });
    fc.assert(
      fc.property(steady, ({ wanted, choice }) => {
        assert.equal(choice.type, 'rolling');
        if (choice.type !== 'rolling') return;
        const now: Scene = {
          kind: 'deploy',
          choice,
          wanted,
          smokes: false,
          oldAlone: false,
          readyBefore: Array(wanted).fill(true),
        };
        const { facts, steps } = planFor(now);
        const least = wanted - Math.min(choice.unavailable, wanted - 1);
        const most = wanted + Math.max(choice.surge, choice.unavailable === 0 || wanted === 1 ? 1 : 0);
        let simulation = simulationOf(facts);
        for (const step of steps) {
          simulation = simulate(simulation, step);
          assert.ok(simulation.rotation.instances.length >= least, `at least ${least} serve`);
          assert.ok(
            simulation.instances.size <= most,
            `${simulation.instances.size} run, at most ${most} may`,
          );
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the check of a plan', () => {
  const sceneNow: Scene = {
    choice: { type: 'rolling', surge: 1, unavailable: 0, batch: null, bakeMs: 0 },
    kind: 'deploy',
    wanted: 2,
    readyBefore: [true, true],
    smokes: true,
    oldAlone: false,
  };
  const without = (kind: Step['kind']) => {
    const { facts, steps } = planFor(sceneNow);
    return verifySteps(
      facts,
      steps.filter((step) => step.kind !== kind),
    ).map((v) => v.invariant);
  };

  it('sees a plan that does not drain', () => assert.ok(without('drain').includes('R2')));
  it('sees a plan that does not wait until ready', () => assert.ok(without('ready').includes('R3')));
  it('sees a plan that does not start what it routes to', () => assert.ok(without('start').includes('R1')));
  it('sees a plan that stops what it routes to', () => assert.ok(without('route').includes('R2')));
});
