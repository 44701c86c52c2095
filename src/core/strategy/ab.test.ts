/**
 * Hunts an A/B test that shows the candidate to others than its rules name, or before it is ready and tested, that goes
 * on without its gates (R3), or that leaves something of it when it stops; and a check that does not see it.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { serviceSpec } from '../../../test/support/service-spec.ts';
import { abChoice, planFor } from '../../../test/support/strategy-choices.ts';
import type { AbChoice } from '../project.ts';
import { simulate, simulationOf } from '../release/simulation.ts';
import { checkStages } from '../release/stages.ts';
import type { Step } from '../release/step.ts';
import { verifyPlan } from '../release/verify.ts';

const scene = fc.record({ choice: abChoice, wanted: fc.integer({ min: 1, max: 20 }) });

describe('an A/B test', () => {
  it('shows the candidate by its rules alone, with instances for all of them, until its gates are passed', () => {
    fc.assert(
      fc.property(scene, ({ choice, wanted }) => {
        const { facts, steps } = planFor({ choice, wanted });
        assert.deepEqual(verifyPlan(facts, steps, 'r2'), []);
        const routes = steps.filter((step) => step.kind === 'route');
        assert.equal(routes.length, 2);
        const split = routes[0]?.rotation.split;
        assert.deepEqual(
          split?.rules.map(({ name, percent, group }) => [name, percent, group]),
          choice.rules.map(({ name, percent }) => [name, percent, 'candidate']),
        );
        assert.equal(split?.candidate.percent, 0);
        assert.equal(routes[1]?.rotation.split, null);
        const next = steps[steps.findIndex((step) => step.kind === 'route') + 1];
        assert.equal(
          next?.kind,
          choice.gates.forMs > 0 ? 'hold' : choice.gates.evidence ? 'judge' : 'approve',
        );
      }),
    );
  });

  it('ends with one version and nothing of the other, whichever it is', () => {
    fc.assert(
      fc.property(scene, ({ choice, wanted }) => {
        const { facts, steps } = planFor({ choice, wanted });
        const end = steps.reduce(simulate, simulationOf(facts));
        const stays = choice.end === 'promote' ? 'v2' : 'v1';
        assert.equal(end.stable, stays);
        assert.deepEqual(
          [...end.instances.values()].map(({ version }) => version),
          Array(wanted).fill(stays),
        );
        assert.deepEqual(new Set(end.rotation.instances), new Set(end.instances.keys()));
      }),
    );
  });

  it('has as many instances as its shares need together, or as the file says', () => {
    const rule = (percent: number) => ({
      name: `r${percent}`,
      match: { type: 'all', of: [] } as const,
      percent,
    });
    const choice: AbChoice = {
      ...{
        type: 'ab',
        rules: [rule(20), rule(15)],
        gates: { forMs: 1_000, evidence: false, approve: false },
      },
      ...{ end: 'promote', instances: null, bakeMs: 0 },
    };
    const first = (of: AbChoice) => {
      const [start] = planFor({ choice: of, wanted: 10 }).steps;
      return start?.kind === 'start' ? start.instances.length : 0;
    };
    assert.equal(first(choice), 4);
    assert.equal(first({ ...choice, instances: 2 }), 2);
    assert.equal(first({ ...choice, rules: [rule(80), rule(70)] }), 10);
  });

  it('is refused without its gates, with a rule that nobody asked for, and with too few instances (R3)', () => {
    const match = { type: 'header', name: 'x-beta', value: null } as const;
    const choice: AbChoice = {
      ...{
        type: 'ab',
        rules: [{ name: 'beta', match, percent: 50 }],
        gates: { forMs: 1_000, evidence: false, approve: false },
      },
      ...{ end: 'promote', instances: null, bakeMs: 0 },
    };
    const service = serviceSpec({ strategy: choice, instances: 4 });
    const { facts, steps } = planFor({ choice, wanted: 4 });
    const check = (of: readonly Step[]) => checkStages(facts, of, service).map(({ detail }) => detail);
    assert.deepEqual(check(steps), []);
    assert.deepEqual(check(steps.filter((step) => step.kind !== 'hold')), [
      '100% where the gates passed allow 0%',
    ]);
    const wider = steps.map((step): Step => {
      if (step.kind !== 'route' || !step.rotation.split) return step;
      const { split } = step.rotation;
      const rules = split.rules.map((rule) => ({ ...rule, percent: 60 }));
      const candidate = { ...split.candidate, instances: split.candidate.instances.slice(0, 1) };
      return { ...step, rotation: { ...step.rotation, split: { ...split, candidate, rules } } };
    });
    assert.deepEqual(check(wider), [
      'beta decides, which nobody asked for now',
      '1 of the candidate for what the rules give it',
    ]);
  });
});
