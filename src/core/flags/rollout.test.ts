/**
 * Hunts a plan that raises a share before its gates, ends somewhere else than with everybody, or cannot go back from
 * where it is; settings of somebody else that are taken for its own; and a word that passes a gate which is not its.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { releaseRecord } from '../../../test/contract/records.ts';
import { DEFAULT_JUDGE } from '../judge/rules.ts';
import { nextAct, type ReleaseState, BEGIN, transition } from '../release/state.ts';
import { describeStep } from '../release/step.ts';
import type { FlagDefinition } from './definition.ts';
import { inForce, type Override, settled } from './override.ts';
import {
  isSame,
  refusalOf,
  type Rollout,
  rolloutBack,
  rolloutPlan,
  rolloutStage,
  settingsOf,
  wasSetBy,
} from './rollout.ts';

const FILE: FlagDefinition = {
  ...{ state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off', metadata: {} },
  targeting: null,
};
const ROLLOUT: Rollout = {
  ...{ flag: 'checkout', from: 'off', to: 'on', before: null, reason: '', approvers: null },
  ...{ services: ['web'], judge: DEFAULT_JUDGE, keyed: false },
};
const GATES = { forMs: 1_000, evidence: true, approve: true };

const planOf = (percents: readonly number[], change: Partial<Rollout> = {}, isAll = true) =>
  rolloutPlan({
    ...{ release: 'r7', rollout: { ...ROLLOUT, ...change }, percents, gates: GATES, isAll, hasFile: true },
    problems: [],
  });

test('every share has its gates behind it before the next one, and everybody comes last', () => {
  assert.deepEqual(planOf([1, 50]).steps.map(describeStep), [
    '1% of checkout to "on"',
    'hold for 1s',
    'until evidence that it is not worse (30m at most, then a person decides)',
    'wait for approval',
    '50% of checkout to "on"',
    'hold for 1s',
    'until evidence that it is not worse (30m at most, then a person decides)',
    'wait for approval',
    '"on" of checkout for everybody',
    'promote on to stable',
  ]);
  const [first] = planOf([1], { approvers: ['chris'] }).steps;
  assert.equal(first?.kind, 'approve');
});

test('from wherever it turns, one write goes back to what was; what it has set is known as its own', () => {
  const cause = { code: 'VARIANT_WORSE', detail: '' } as const;
  const percents = fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 6 });
  const before = fc.constantFrom<Override | null>(null, { type: 'fixed', variant: 'off' });
  fc.assert(
    fc.property(percents, before, fc.nat(40), (unsorted, was, turns) => {
      const plan = planOf(
        unsorted.toSorted((a, b) => a - b),
        { before: was },
      );
      let state: ReleaseState = BEGIN;
      let set = was;
      const of = () => ({ state, plan });
      for (let done = 0; done < turns; done += 1) {
        const act = nextAct(state, plan.steps);
        if (act.do !== 'apply') break;
        state = transition(state, { type: 'step-started' }, plan.steps);
        if (act.step.kind === 'share') {
          assert.ok(settingsOf(of()).some((setting) => isSame(setting, set)));
          set = act.step.override;
        }
        assert.ok(
          settingsOf(of()).some((setting) => isSame(setting, set)),
          'its own setting',
        );
        state = transition(state, { type: 'step-done' }, plan.steps);
      }
      if (state.phase === 'ended') {
        assert.equal(inForce(FILE, set)?.defaultVariant, 'on');
        return;
      }
      if (state.phase === 'forward' && !isSame(set, was))
        assert.ok(!settingsOf(of()).some((setting) => isSame(setting, was)) || state.underWay);
      state = transition(state, { type: 'turned', cause }, plan.steps);
      // Past its promotion there is nothing left to go back from.
      if (state.phase !== 'turning') return;
      const steps = rolloutBack(plan.rollout ?? ROLLOUT, cause);
      assert.equal(steps.length, 1);
      assert.ok(isSame(set, was) || wasSetBy({ plan }, set));
      const [step] = steps;
      assert.ok(step?.kind === 'share' && isSame(step.override, was));
      state = transition(state, { type: 'back-planned', steps }, plan.steps);
      state = transition(state, { type: 'step-done' }, plan.steps);
      assert.deepEqual(state, { phase: 'ended', outcome: 'rolled-back', cause });
    }),
  );
});

test('what somebody else has set is nobody’s to take back', () => {
  const plan = planOf([10]);
  assert.deepEqual(rolloutBack(ROLLOUT, { code: 'FLAG_TAKEN', detail: '' }), []);
  assert.ok(!wasSetBy({ plan }, { type: 'fixed', variant: 'on' }), 'a person may have set the same variant');
  assert.ok(!wasSetBy({ plan }, null));
  const [ended] = [
    transition(
      { phase: 'turning', cause: { code: 'FLAG_TAKEN', detail: '' }, tries: 0 },
      { type: 'back-planned', steps: [] },
      plan.steps,
    ),
  ];
  assert.equal(ended.phase, 'ended');
});

test('a stage lasts while both variants are given, and no longer', () => {
  const plan = planOf([10, 50]);
  const stages = plan.steps.map((_, at) =>
    rolloutStage({ plan, state: { phase: 'forward', at, underWay: true } }),
  );
  assert.deepEqual(
    stages.map((stage) => stage?.index ?? null),
    [null, 0, 0, 0, 0, 4, 4, 4, 4, null],
  );
});

test('what is half way is nothing to come back to', () => {
  const rolled = (percent: number, before: Override | null): Override => ({
    ...{ type: 'rolled', release: 'r7', to: 'on', from: 'off', percent, before },
  });
  assert.equal(settled(rolled(50, null)), null);
  assert.deepEqual(settled(rolled(50, rolled(100, null))), rolled(100, null));
  assert.deepEqual(settled({ type: 'disabled' }), { type: 'disabled' });
});

test('of two who decide the one who asked is one', () => {
  const plan = planOf([10], { approvers: ['chris', 'dana'] });
  const release = { ...releaseRecord('r7', { by: 'dana' }), plan };
  assert.match(refusalOf(release, [0], 'dana') ?? '', /dana asked for it/);
  assert.match(refusalOf(release, [0, 4], 'eve') ?? '', /eve may not/);
  assert.equal(refusalOf(release, [0], 'chris'), null);
  assert.equal(refusalOf(release, [4], 'dana'), null, 'the gates after it are as those of any release');
  assert.equal(refusalOf({ ...release, plan: planOf([10]) }, [0], 'dana'), null);
});
