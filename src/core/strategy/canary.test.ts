/**
 * Hunts a canary that skips a weight or a gate (R3), that has too few instances for its share or many more than it
 * needs, a baseline that is no fair one, and a check that does not see it.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { serviceSpec } from '../../../test/support/service-spec.ts';
import { canaryChoice, planFor } from '../../../test/support/strategy-choices.ts';
import type { CanaryChoice } from '../project.ts';
import { simulate, simulationOf, type Simulation } from '../release/simulation.ts';
import { checkStages } from '../release/stages.ts';
import type { Step } from '../release/step.ts';

const scene = fc.record({ choice: canaryChoice, wanted: fc.integer({ min: 1, max: 40 }) });

describe('canary', () => {
  it('gives every weight its turn and its time, in order, and then everything', () => {
    fc.assert(
      fc.property(scene, (what) => {
        const { choice } = what;
        const { steps } = planFor(what);
        let percent = 0;
        const passed: string[] = [];
        for (const step of steps) {
          if (step.kind === 'route') percent = step.rotation.split?.candidate.percent ?? 100;
          if (['hold', 'judge', 'approve'].includes(step.kind)) passed.push(`${step.kind} at ${percent}`);
        }
        const gates = choice.stages.flatMap(({ weight, forMs, evidence, approve }) => [
          ...(forMs > 0 ? [`hold at ${weight}`] : []),
          ...(evidence ? [`judge at ${weight}`] : []),
          ...(approve ? [`approve at ${weight}`] : []),
        ]);
        assert.deepEqual(passed, gates);
        assert.equal(percent, 100);
      }),
    );
  });

  it('runs few more than are wanted where stable shrinks, and never fewer', () => {
    fc.assert(
      fc.property(scene, (what) => {
        const { choice, wanted } = what;
        const { facts, steps } = planFor(what);
        const own = (now: Simulation) =>
          now.instances.size - (now.rotation.split?.baseline.instances.length ?? 0);
        const extra = Math.ceil(wanted / 10) + 1;
        let now = simulationOf(facts);
        for (const step of steps) {
          now = simulate(now, step);
          assert.ok(now.instances.size >= wanted);
          if (choice.stable === 'shrink' && !choice.baseline)
            assert.ok(own(now) <= wanted + extra, `${own(now)} run of ${wanted}`);
        }
      }),
    );
  });

  it('has a baseline as large as the candidate below one half, and none above', () => {
    fc.assert(
      fc.property(scene, (what) => {
        const { choice } = what;
        const { steps } = planFor(what);
        for (const step of steps) {
          if (step.kind !== 'route' || !step.rotation.split) continue;
          const { candidate, baseline } = step.rotation.split;
          if (!choice.baseline || candidate.percent >= 50) assert.equal(baseline.percent, 0);
          else if (baseline.percent > 0) {
            assert.equal(baseline.percent, candidate.percent);
            assert.equal(baseline.instances.length, candidate.instances.length);
          }
        }
      }),
    );
  });

  const shrinking: CanaryChoice = {
    ...{ type: 'canary', stable: 'shrink', baseline: false, bakeMs: 0 },
    stages: [5, 50].map((weight) => ({
      weight,
      shadow: null,
      forMs: 1_000,
      evidence: false,
      approve: false,
    })),
  };

  it('is one switch where nothing serves yet', () => {
    const { steps } = planFor({ choice: shrinking, wanted: 3 }, false);
    assert.deepEqual(
      steps.map((step) => step.kind),
      ['start', 'ready', 'smoke', 'route', 'smoke', 'promote'],
    );
  });

  const copies = { percent: 20, methods: ['GET'], bodies: false };
  const shadowed: CanaryChoice = {
    ...shrinking,
    stable: 'keep',
    stages: [
      { weight: 0, shadow: copies, forMs: 1_000, evidence: false, approve: false },
      ...shrinking.stages,
    ],
  };

  it('copies requests first where it should, for which nobody meets the candidate, and then no more', () => {
    const { facts, steps } = planFor({ choice: shadowed, wanted: 10 });
    const routes = steps.flatMap((step) => (step.kind === 'route' ? [step.rotation.split] : []));
    const [first, second] = routes;
    assert.deepEqual([first?.candidate.percent, first?.candidate.instances.length], [0, 2]);
    assert.deepEqual([first?.shadow, first?.rules], [copies, []]);
    assert.deepEqual([second?.candidate.percent, second?.shadow], [5, null]);
    assert.deepEqual(routes.at(-1), null);
    const check = (of: readonly Step[]) =>
      checkStages(facts, of, serviceSpec({ strategy: shadowed, instances: 10 })).map(({ detail }) => detail);
    assert.deepEqual(check(steps), []);
    const hold = steps.findIndex((step) => step.kind === 'hold');
    assert.equal(check(steps.toSpliced(hold, 1))[0], '5% where the gates passed allow 0%');
    const more = steps.map((step) =>
      step.kind === 'route' && step.rotation.split?.shadow
        ? {
            ...step,
            rotation: {
              ...step.rotation,
              split: { ...step.rotation.split, shadow: { ...copies, percent: 90 } },
            },
          }
        : step,
    );
    assert.deepEqual(check(more), ['it copies requests that nobody asked for now']);
  });

  it('is refused when a gate is left out, or when instances are missing for its share (R3)', () => {
    const { facts, steps } = planFor({ choice: shrinking, wanted: 4 });
    const check = (of: readonly Step[]) =>
      checkStages(facts, of, serviceSpec({ strategy: shrinking, instances: 4 })).map(({ detail }) => detail);
    assert.deepEqual(check(steps), []);
    const first = steps.findIndex((step) => step.kind === 'hold');
    assert.equal(check(steps.toSpliced(first, 1))[0], '50% where the gates passed allow 5%');
    const last = steps.findLastIndex((step) => step.kind === 'hold');
    assert.deepEqual(check(steps.toSpliced(last, 1)), [
      '75% where the gates passed allow 50%',
      '100% where the gates passed allow 50%',
    ]);
    const fewer = steps.map((step): Step => {
      if (step.kind !== 'route' || !step.rotation.split) return step;
      const { instances, split, draining } = step.rotation;
      const candidate = { ...split.candidate, instances: split.candidate.instances.slice(0, 1) };
      const rotation = { instances: instances.slice(0, 1), split: { ...split, candidate }, draining };
      return { ...step, rotation };
    });
    assert.ok(check(fewer).includes('1 of the candidate for 50% of the requests'));
    assert.ok(check(fewer).includes('1 of stable for 50% of the requests'));
  });
});
