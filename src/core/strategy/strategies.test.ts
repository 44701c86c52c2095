/**
 * Hunts plans that break a promise for some size, batch, surge or moment of failure: traffic without a ready
 * instance (R1), an instance stopped under its requests (R2), a candidate with traffic too early (R3), a
 * candidate that one routing does not take out (R4), workers that all leave at once or whose jobs are cut short (R1,
 * R2), two versions at once that must not be (R10), and a way back
 * that does not end at stable.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Service, StrategyChoice } from '../project.ts';
import { planBack } from '../release/back.ts';
import { type Facts, instanceId } from '../release/facts.ts';
import { makePlan } from '../release/planning.ts';
import { factsOf, simulate, type Simulation, simulationOf } from '../release/simulation.ts';
import { describeStep, type Step } from '../release/step.ts';
import { verifyPlan, verifySteps } from '../release/verify.ts';
import { serviceSpec, workerSpec } from '../../../test/support/service-spec.ts';
import { canaryChoice } from '../../../test/support/strategy-choices.ts';

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

const sceneOf = (choice: fc.Arbitrary<StrategyChoice>, worker: boolean) =>
  fc.record({
    choice,
    worker: fc.constant(worker),
    /** What ran before must not meet another version, whatever the new one says. */
    oldAlone: fc.boolean(),
    kind: fc.constantFrom<'deploy' | 'rollback'>('deploy', 'rollback'),
    wanted: fc.integer({ min: 1, max: 12 }),
    readyBefore: fc.array(fc.boolean(), { maxLength: 12 }),
    smokes: fc.boolean(),
  });
const workerScene = sceneOf(fc.oneof(rollingChoice, blueGreenChoice, handoverChoice), true);
const scene = fc.oneof(
  sceneOf(fc.oneof(rollingChoice, blueGreenChoice, canaryChoice, handoverChoice), false),
  workerScene,
);
type Scene = typeof scene extends fc.Arbitrary<infer T> ? T : never;

const DRAIN_MS = 7_000;

function factsFor({ readyBefore, choice, oldAlone, worker }: Scene): Facts {
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
    rotation: { instances: worker ? [] : running.map((i) => i.id), split: null, draining: [] },
    nextInstance: 1,
    alone: oldAlone || choice.type === 'handover' ? { holdMs: worker ? 0 : 1_000, readyMs: 100 } : null,
    ...(worker ? { worker: { drainMs: DRAIN_MS } } : {}),
  };
}

function serviceFor({ choice, wanted, smokes, worker }: Scene): Service {
  const smoke = smokes ? [{ type: 'command', command: 'true', timeoutMs: 1_000 } as const] : [];
  const about = { strategy: choice, instances: wanted, smoke };
  return worker ? workerSpec({ ...about, drainMs: DRAIN_MS }) : serviceSpec(about);
}

function planFor(sceneNow: Scene): { facts: Facts; steps: readonly Step[] } {
  const facts = factsFor(sceneNow);
  const service = serviceFor(sceneNow);
  const plan = makePlan({ kind: sceneNow.kind, facts, release: 'r2', to: 'v2', service, problems: [] });
  return { facts, steps: plan.steps };
}

/** Those that requests go to; workers all take jobs, and none of them is routed to. */
function routed({ rotation, instances }: Simulation, { worker }: Scene): ReadonlySet<string> {
  if (!worker) return new Set(rotation.instances);
  assert.deepEqual(rotation.instances, []);
  return new Set(instances.keys());
}

const play = (from: Simulation, steps: readonly Step[]) => steps.reduce(simulate, from);

/** Every step that was begun may have been done in part: any of its instances may or may not be there. */
function failAt(facts: Facts, steps: readonly Step[], at: number, done: boolean, part: number): Simulation {
  const before = play(simulationOf(facts), steps.slice(0, at));
  const step = steps[at];
  if (!step) return before;
  // Workers that were told to stop do so even when the release has turned meanwhile.
  if (step.kind === 'start' || step.kind === 'ready' || (step.kind === 'stop' && facts.worker))
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
        assert.deepEqual(routed(end, sceneNow), new Set(end.instances.keys()));
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
        assert.deepEqual(routed(end, sceneNow), new Set(end.instances.keys()));
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
          worker: false,
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

describe('workers', () => {
  it('have somebody at work at all times, and both versions only where those may meet', () => {
    fc.assert(
      fc.property(workerScene, (sceneNow) => {
        const { facts, steps } = planFor({ ...sceneNow, kind: 'deploy' });
        let simulation = simulationOf(facts);
        const served = facts.running.some((i) => i.ready);
        for (const step of steps) {
          simulation = simulate(simulation, step);
          const all = [...simulation.instances.values()];
          const versions = new Set(all.map((i) => i.version));
          if (facts.alone) assert.ok(versions.size <= 1, 'one version at a time');
          else if (served)
            assert.ok(
              all.some((i) => i.ready),
              'somebody takes jobs',
            );
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('are told to stop first where they do harm, and last where they only have to go', () => {
    const at = fc.nat(40);
    fc.assert(
      fc.property(workerScene, at, (sceneNow, index) => {
        const { facts, steps } = planFor(sceneNow);
        const failed = play(simulationOf(facts), steps.slice(0, index % steps.length));
        const now = factsOf(failed, facts);
        const candidates = now.running.filter((i) => i.version !== facts.stable).map((i) => i.id);
        if (failed.stable !== facts.stable || candidates.length === 0) return;
        for (const urgent of [true, false]) {
          const back = planBack({ facts: now, release: 'r2', urgent });
          const step = urgent || facts.alone ? back[0] : back.at(-1);
          assert.equal(step?.kind, 'stop');
          assert.deepEqual(step.kind === 'stop' && step.instances.map((i) => i.id), candidates);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('of one instance: the new one is ready before the old one is told, which works until the bake is over', () => {
    const { steps } = planFor({
      ...{ kind: 'deploy', worker: true, wanted: 1, readyBefore: [true], smokes: true, oldAlone: false },
      choice: { type: 'rolling', surge: 1, unavailable: 0, batch: null, bakeMs: 5_000 },
    });
    assert.deepEqual(steps.map(describeStep), [
      'start 1 instance of v2 (web-r2-1)',
      'wait until ready: web-r2-1',
      'smoke test',
      'bake for 5s',
      'promote v2 to stable',
      'tell web-r1-1 to stop; jobs get 7s',
    ]);
  });
});

describe('the check of a plan', () => {
  const sceneNow: Scene = {
    choice: { type: 'rolling', surge: 1, unavailable: 0, batch: null, bakeMs: 0 },
    kind: 'deploy',
    wanted: 2,
    readyBefore: [true, true],
    smokes: true,
    worker: false,
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

  const workers: Scene = { ...sceneNow, worker: true };
  const found = (facts: Facts, steps: readonly Step[]) =>
    verifyPlan(facts, steps, 'r2').map((violation) => `${violation.invariant}: ${violation.detail}`);

  it('sees workers of which all are told to stop before another one is ready', () => {
    const { facts, steps } = planFor(workers);
    const [start, ...rest] = steps.filter((step) => step.kind !== 'stop');
    const all = { kind: 'stop', drainMs: DRAIN_MS, instances: facts.running } as const;
    assert.ok(start && found(facts, [start, all, ...rest]).includes('R1: nobody would take jobs'));
  });
  it('sees jobs that do not get their limit', () => {
    const { facts, steps } = planFor(workers);
    const shorter = steps.map((step) => (step.kind === 'stop' ? { ...step, drainMs: 1 } : step));
    assert.ok(found(facts, shorter).some((each) => each.startsWith('R2: jobs of web-r1-1 ')));
  });
  it('sees more workers begin before the first were ready, or tested', () => {
    for (const [kind, says] of [
      ['ready', 'R3: more of it begin before web-r2-1 is ready'],
      ['smoke', 'R3: more of it begin before its smoke test'],
    ] as const) {
      const { facts, steps } = planFor(workers);
      const at = steps.findIndex((step) => step.kind === kind);
      const late =
        kind === 'smoke' ? steps.toSpliced(at, 1).concat(steps.slice(at, at + 1)) : steps.toSpliced(at, 1);
      assert.ok(found(facts, late).includes(says), found(facts, late).join('; '));
    }
  });
  it('sees workers that something is routed to, and two versions that must not meet', () => {
    const { facts, steps } = planFor(workers);
    const route = { kind: 'route', rotation: facts.rotation, purpose: '' } as const;
    assert.ok(found(facts, [route, ...steps]).includes('R1: nothing is routed to workers'));
    const alone = { ...facts, alone: { holdMs: 0, readyMs: null } };
    assert.ok(found(alone, steps).some((each) => each.startsWith('R10: web-r2-1 would run beside')));
  });
});
