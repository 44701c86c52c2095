/**
 * Hunts a plan that raises a flag above its code's share of the requests (F1), one that moves requests away from a
 * flag's code before the flag is down (F2), and a certificate or a stage that knows nothing of flags.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SegueError } from '../errors.ts';
import type { CanaryChoice, FlagRaise, StrategyChoice } from '../project.ts';
import { percentOf, versionShares } from '../traffic/version-shares.ts';
import { planBack } from './back.ts';
import { describeWay } from './certificate.ts';
import { type Facts, instanceId } from './facts.ts';
import type { FlagFact } from './flag-facts.ts';
import { makePlan } from './planning.ts';
import { factsOf, simulate, simulationOf } from './simulation.ts';
import { stageOf } from './stage.ts';
import { describeStep, type Step } from './step.ts';
import { serviceSpec } from '../../../test/support/service-spec.ts';
import { canaryChoice } from '../../../test/support/strategy-choices.ts';

const flagFact = (change: Partial<FlagFact> = {}): FlagFact => ({
  ...{ flag: 'checkout', raised: 0, ours: false, on: 'on', versions: ['v2'], since: 'v2', needs: null },
  ...change,
});

function factsWith(flags: readonly FlagFact[], wanted = 2, served = true): Facts {
  const ids = served ? Array.from({ length: wanted }, (_, i) => instanceId('web', 'r1', i + 1)) : [];
  return {
    service: 'web',
    stable: served ? 'v1' : null,
    stableInstances: ids.length,
    running: ids.map((id) => ({ id, version: 'v1', ready: true })),
    rotation: { instances: ids, split: null, draining: [] },
    nextInstance: 1,
    alone: null,
    flags,
  };
}

interface Order {
  readonly facts?: Facts;
  readonly kind?: 'deploy' | 'rollback';
}

function planOf(strategy: StrategyChoice, { facts = factsWith([flagFact()]), kind = 'deploy' }: Order = {}) {
  const service = serviceSpec({ strategy, instances: 2 });
  const plan = makePlan({ kind, facts, release: 'r2', to: 'v2', service, problems: [] });
  return { ...plan, facts, kinds: plan.steps.map((step) => step.kind) };
}

const NO_GATES = { forMs: 0, evidence: false, approve: false };
const HOLD = { ...NO_GATES, forMs: 1_000 };
const raise: FlagRaise = { flag: 'checkout', variant: null, percent: null, ...NO_GATES };

function canaryOf(...stages: readonly Partial<CanaryChoice['stages'][number]>[]): CanaryChoice {
  return {
    ...{ type: 'canary', stable: 'keep', baseline: false, bakeMs: 1_000 },
    stages: stages.map((stage) => ({ weight: 0, shadow: null, ...HOLD, ...stage })),
  };
}

const flag = { flag: 'checkout', variant: null, percent: null };
const linesOf = (steps: readonly Step[]) =>
  steps.filter(({ kind }) => kind === 'flag' || kind === 'lower').map(describeStep);

describe('a plan that raises flags', () => {
  it('does so once the weight is in force, as far as that, with its own gate behind it', () => {
    const { steps, kinds } = planOf(canaryOf({ weight: 10 }, { weight: 10, flag }, { weight: 50, flag }));
    assert.deepEqual(linesOf(steps), ['flag checkout: on for 10%', 'flag checkout: on for 50%']);
    const at = kinds.indexOf('flag');
    assert.deepEqual(kinds.slice(at - 2, at + 2), ['route', 'hold', 'flag', 'hold']);
  });

  it('does so after full traffic, before the bake, with every strategy', () => {
    const flags = [{ ...raise, ...HOLD }];
    const choices: readonly StrategyChoice[] = [
      { type: 'rolling', surge: 1, unavailable: 0, batch: null, bakeMs: 1_000, flags },
      { type: 'blue-green', preview: null, bakeMs: 1_000, flags },
      { ...canaryOf({ weight: 10 }), flags },
      {
        ...{ type: 'ab', end: 'promote', instances: null, bakeMs: 1_000, flags },
        ...{ gates: HOLD, rules: [{ name: 'a', match: { type: 'any', of: [] }, percent: 100 }] },
      },
    ];
    for (const choice of choices) {
      const { kinds, steps } = planOf(choice);
      assert.deepEqual(linesOf(steps), ['flag checkout: on for everybody'], choice.type);
      const at = kinds.indexOf('flag');
      assert.ok(at > kinds.lastIndexOf('route'), choice.type);
      assert.deepEqual(kinds.slice(at, at + 4), ['flag', 'hold', 'bake', 'promote'], choice.type);
    }
    const alone = { ...factsWith([flagFact()]), alone: { holdMs: 5_000, readyMs: 100 } };
    const { kinds } = planOf({ type: 'handover', withinMs: null, bakeMs: 0, flags }, { facts: alone });
    assert.deepEqual(kinds.slice(-4), ['route', 'flag', 'hold', 'promote']);
  });

  it('puts each flag where its last stage leaves it when nothing serves yet', () => {
    const choice = { ...canaryOf({ weight: 10, flag }, { weight: 50, flag }), flags: [] };
    const { steps } = planOf(choice, { facts: factsWith([flagFact()], 2, false) });
    assert.deepEqual(linesOf(steps), ['flag checkout: on for 50%']);
  });

  it('is refused where the new version has not the code, or the schema is not there', () => {
    const refuses = (fact: Partial<FlagFact>, why: RegExp) =>
      assert.throws(
        () => planOf(canaryOf({ weight: 10, flag }), { facts: factsWith([flagFact(fact)]) }),
        (error: unknown) =>
          error instanceof SegueError && error.code === 'FLAG_CEILING' && why.test(error.message),
      );
    refuses({ versions: [], since: 'v3' }, /no request goes to a version with its code: there is no v3/);
    refuses({ versions: ['v1'], since: 'v1' }, /v2 has not the code of checkout/);
    const needs = { change: '0001-split', reach: 'expanded' } as const;
    refuses({ needs }, /it needs 0001-split, whose backfill is not done/);
    const more = canaryOf({ weight: 10, flag: { ...flag, percent: 11 } });
    assert.throws(() => planOf(more), /only 10% of the requests go to a version of web with its code/);
  });

  it('may count on what the plan itself does to the database', () => {
    const needs = { change: '0001-split', reach: 'new' } as const;
    const change = { name: '0001-split', digest: 'd', reach: 'new', keepMs: 0 } as const;
    const schema = { changes: [change], known: { v2: ['0001-split'] } };
    const facts = { ...factsWith([flagFact({ needs })]), schema };
    const { kinds } = planOf(canaryOf({ weight: 10, flag }), { facts });
    assert.ok(kinds.indexOf('backfill') < kinds.indexOf('flag'));
  });
});

describe('the way back', () => {
  it('lowers first what the release raised, and what stable has not the code of; and says so beforehand', () => {
    const { steps, certificate, facts } = planOf(canaryOf({ weight: 10 }, { weight: 10, flag }));
    const at = steps.findIndex(({ kind }) => kind === 'flag');
    const now = steps.slice(0, at + 1).reduce(simulate, simulationOf(facts));
    const back = planBack({ facts: factsOf(now, facts), release: 'r2', urgent: true });
    assert.deepEqual(
      back.map(({ kind }) => kind),
      ['lower', 'route', 'drain', 'stop'],
    );
    assert.deepEqual(linesOf(back), ['lower checkout']);
    const ways = certificate.ways.map((way) => describeWay(way, certificate.to));
    assert.ok(ways.includes('checkout lowered first; one routing: stable is warm'), ways.join('\n'));
  });

  it('leaves alone what stable has the code of, unless the release raised it', () => {
    const shared = flagFact({ versions: ['v1', 'v2'], raised: 100 });
    const unknown = flagFact({ flag: 'other', versions: null, raised: 100 });
    const candidate = { id: 'web-r2-1', version: 'v2', ready: true };
    const facts = factsWith([shared, unknown]);
    const two = { ...facts, running: [...facts.running, candidate] };
    assert.deepEqual(linesOf(planBack({ facts: two, release: 'r2', urgent: false })), []);
    const flags = [
      { ...shared, ours: true },
      { ...unknown, ours: true },
    ];
    const back = planBack({ facts: { ...two, flags }, release: 'r2', urgent: false });
    assert.deepEqual(linesOf(back), ['lower checkout, other']);
  });
});

describe('a release to a version without the code', () => {
  const raised = flagFact({ versions: ['v1'], since: 'v1', raised: 100 });
  const facts = factsWith([raised]);

  it('lowers the flag before the first request goes there', () => {
    const choices: readonly StrategyChoice[] = [
      { type: 'rolling', surge: 1, unavailable: 0, batch: null, bakeMs: 0 },
      { type: 'blue-green', preview: null, bakeMs: 0 },
      canaryOf({ weight: 10 }),
    ];
    for (const choice of choices) {
      const { kinds, steps } = planOf(choice, { facts });
      assert.deepEqual(linesOf(steps), ['lower checkout']);
      assert.equal(kinds.indexOf('lower'), kinds.indexOf('route') - 1);
    }
    const back = planOf({ ...canaryOf({ weight: 10 }), flags: [raise] }, { facts, kind: 'rollback' });
    assert.equal(back.kinds.indexOf('lower'), back.kinds.indexOf('route') - 1);
    assert.deepEqual(linesOf(back.steps), ['lower checkout']);
  });

  it('says nothing of flags whose code neither has, or both', () => {
    for (const versions of [[], ['v1', 'v2'], null]) {
      const flags = [{ ...raised, versions }];
      const { kinds } = planOf(canaryOf({ weight: 10 }), { facts: { ...facts, flags } });
      assert.ok(!kinds.includes('lower'));
    }
  });

  it('lowers at the end of an A/B test what only the version that stops has', () => {
    const { kinds } = planOf(
      {
        ...{ type: 'ab', end: 'stop', instances: null, bakeMs: 0, gates: HOLD },
        rules: [{ name: 'a', match: { type: 'any', of: [] }, percent: 100 }],
      },
      { facts: factsWith([flagFact({ raised: 5 })]) },
    );
    assert.equal(kinds.lastIndexOf('lower'), kinds.lastIndexOf('route') - 1);
  });
});

it('evidence of before a flag was raised says nothing of it: a stage of its own begins', () => {
  const { steps, ...plan } = planOf(canaryOf({ weight: 10 }, { weight: 10, flag }));
  const at = steps.findIndex(({ kind }) => kind === 'flag');
  const stageAt = (index: number) =>
    stageOf({ state: { phase: 'forward', at: index, underWay: true }, plan: { ...plan, steps } });
  assert.notEqual(stageAt(at)?.index, at);
  assert.deepEqual(stageAt(at + 1), {
    index: at,
    weights: { candidate: 10, baseline: 0 },
    cold: false,
  });
});

describe('every canary with flags', () => {
  const scene = fc.record({
    choice: canaryChoice,
    wanted: fc.integer({ min: 1, max: 8 }),
    raised: fc.nat(100),
    /** Whose code it is. */
    versions: fc.constantFrom<readonly string[] | null>(null, [], ['v1'], ['v2'], ['v1', 'v2']),
    at: fc.array(fc.nat(6), { maxLength: 3 }),
    failsAt: fc.nat(60),
  });

  it('keeps flags under the share of their code, from the first step to the last of the way back', () => {
    let raising = 0;
    fc.assert(
      fc.property(scene, ({ choice, wanted, raised, versions, at, failsAt }) => {
        const stages = choice.stages.map((stage, i) =>
          at.includes(i) && stage.weight > 0 ? { ...stage, flag } : stage,
        );
        const fact = flagFact({ versions, raised: versions?.includes('v1') ? raised : 0 });
        const facts = factsWith([fact], wanted);
        const service = serviceSpec({ strategy: { ...choice, stages }, instances: wanted });
        let steps: readonly Step[];
        try {
          ({ steps } = makePlan({ kind: 'deploy', facts, release: 'r2', to: 'v2', service, problems: [] }));
        } catch (error) {
          assert.ok(error instanceof SegueError && error.code === 'FLAG_CEILING');
          assert.ok(versions && !versions.includes('v2'), 'nothing is in the way');
          return;
        }
        if (steps.some(({ kind }) => kind === 'flag')) raising += 1;
        let now = simulationOf(facts);
        const holds = () => {
          if (versions === null || versions.length === 0) return;
          const traffic = versionShares(now.rotation, (id) => now.instances.get(id)?.version);
          const height = now.flags.get('checkout')?.raised ?? 0;
          if (traffic.length > 0) assert.ok(height <= percentOf(traffic, versions), `${height}%`);
        };
        for (const step of steps.slice(0, 1 + (failsAt % steps.length))) {
          now = simulate(now, step);
          holds();
        }
        if (now.stable !== 'v1') return;
        const back = planBack({ facts: factsOf(now, facts), release: 'r2', urgent: failsAt % 2 === 0 });
        for (const step of back) {
          now = simulate(now, step);
          holds();
        }
        const { raised: left = 0, ours = false } = now.flags.get('checkout') ?? {};
        assert.equal(ours, false);
        if (!versions?.includes('v1')) assert.equal(left, 0);
      }),
      { numRuns: 500 },
    );
    assert.ok(raising > 25, `${raising} plans raise a flag`);
  });
});
