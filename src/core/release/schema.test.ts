/**
 * Hunts plans under which code meets a schema that it cannot use (R6): a candidate that begins before the expand or
 * gets traffic before the backfill, for some strategy and some state of the database; a change that is made twice, or
 * not at all; a contract while an older version runs; and a way back that takes away what is good.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { serviceSpec } from '../../../test/support/service-spec.ts';
import { abChoice, canaryChoice } from '../../../test/support/strategy-choices.ts';
import type { StrategyChoice } from '../project.ts';
import { planBack } from './back.ts';
import { describeEnd, describeWay } from './certificate.ts';
import { type Facts, instanceId } from './facts.ts';
import type { Joining } from './group.ts';
import type { Plan } from './plan.ts';
import { makePlan } from './planning.ts';
import { pendingFor, type Reach, type SchemaFacts, strangeTo } from './schema.ts';
import { factsOf, simulate, simulationOf } from './simulation.ts';
import type { Step } from './step.ts';
import { verifyPlan, verifySteps } from './verify.ts';

const REACHES: readonly Reach[] = ['new', 'expanded', 'filled', 'contracted', 'finished'];
const RANK = new Map(REACHES.map((reach, index) => [reach, index]));

/** As they can be: none is further than one before it, but for the backfill, which may wait. */
const schemas = fc.record({
  reaches: fc.array(fc.constantFrom(...REACHES), { maxLength: 5 }),
  /** Of those, the last so many are new with v2; v1 was made with the others. */
  fresh: fc.nat(5),
});

function schemaOf({ reaches, fresh }: typeof schemas extends fc.Arbitrary<infer T> ? T : never): SchemaFacts {
  const ordered = reaches.toSorted((a, b) => (RANK.get(b) ?? 0) - (RANK.get(a) ?? 0));
  const count = Math.min(fresh, ordered.length);
  const changes = ordered.map((reach, i) => {
    const isFresh = i >= ordered.length - count;
    // v1 serves: what it needs is filled, and nothing that it uses is gone.
    const served = !isFresh && (reach === 'new' || reach === 'expanded') ? 'filled' : reach;
    const open = isFresh && (served === 'contracted' || served === 'finished') ? 'filled' : served;
    return { name: `000${i}-change`, digest: `d${i}`, reach: open, keepMs: 0 };
  });
  const names = changes.map(({ name }) => name);
  return { changes, known: { v1: names.slice(0, names.length - count), v2: names } };
}

const choices: fc.Arbitrary<StrategyChoice> = fc.oneof(
  canaryChoice,
  abChoice.filter(({ end }) => end === 'promote'),
  fc.constantFrom<StrategyChoice>(
    { type: 'rolling', surge: 1, unavailable: 0, batch: null, bakeMs: 5_000 },
    { type: 'rolling', surge: 0, unavailable: 1, batch: 1, bakeMs: 0 },
    { type: 'blue-green', preview: { header: 'x', value: 'y', when: null, forMs: 1 }, bakeMs: 0 },
    { type: 'handover', withinMs: null, bakeMs: 0 },
  ),
);

interface Scene {
  readonly choice: StrategyChoice;
  readonly schema: SchemaFacts;
  readonly wanted: number;
  readonly served: boolean;
  readonly smokes: boolean;
  /** Nothing is routed to it: it works from its start. */
  readonly worker: boolean;
}

const scenes: fc.Arbitrary<Scene> = fc.record({
  choice: choices,
  schema: schemas.map(schemaOf),
  wanted: fc.integer({ min: 1, max: 4 }),
  served: fc.boolean(),
  smokes: fc.boolean(),
  worker: fc.boolean(),
});

function planOf(scene: Scene, joining?: Joining): { facts: Facts; plan: Plan } {
  const { schema, wanted, served, smokes } = scene;
  // Those that share out requests are not for workers.
  const shares = scene.choice.type === 'canary' || scene.choice.type === 'ab';
  const worker = scene.worker && !shares;
  const { choice } = scene;
  const ids = served ? Array.from({ length: wanted }, (_, i) => instanceId('web', 'r1', i + 1)) : [];
  const facts: Facts = {
    service: 'web',
    stable: served ? 'v1' : null,
    stableInstances: ids.length,
    running: ids.map((id) => ({ id, version: 'v1', ready: true })),
    rotation: { instances: worker ? [] : ids, split: null, draining: [] },
    nextInstance: 1,
    ...(worker ? { worker: { drainMs: 1_000 } } : {}),
    alone: choice.type === 'handover' ? { holdMs: 1_000, readyMs: 100 } : null,
    schema,
  };
  const smoke = smokes ? ([{ type: 'command', command: 'true', timeoutMs: 1_000 }] as const) : [];
  const service = serviceSpec({ strategy: choice, instances: wanted, smoke });
  const request = { kind: 'deploy', facts, release: 'r2', to: 'v2', service, problems: [] } as const;
  return { facts, plan: makePlan({ ...request, ...(joining ? { joining } : {}) }) };
}

const isSchema = ({ kind }: Step) => kind === 'expand' || kind === 'backfill';
const isMet = ({ kind }: Step) => kind === 'route' || kind === 'smoke';
const works = ({ kind }: Step) => kind === 'start' || kind === 'stop';

describe('a plan with a database', () => {
  it('makes each pending change once, before anything that needs it, whatever the strategy', () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        const { facts, plan } = planOf(scene);
        const pending = pendingFor(scene.schema, 'v2').map(({ name }) => name);
        const expanded = plan.steps.flatMap((step) => (step.kind === 'expand' ? [step.change.name] : []));
        const fresh = scene.schema.changes.filter(({ reach }) => reach === 'new').map(({ name }) => name);
        assert.deepEqual(
          expanded,
          fresh.filter((name) => pending.includes(name)),
        );
        const filled = plan.steps.flatMap((step) =>
          step.kind === 'backfill' && step.until === 'done' ? step.changes.map(({ name }) => name) : [],
        );
        assert.deepEqual(filled, pending);
        const first = (is: (step: Step) => boolean) => plan.steps.findIndex(is);
        const meets = facts.worker ? works : isMet;
        const last = plan.steps.findLastIndex(isSchema);
        if (pending.length === 0) return;
        assert.ok(last < first(meets), 'filled before a test, a user, or those who wait meet it');
        assert.ok(
          plan.steps.findLastIndex(({ kind }) => kind === 'expand') < first(({ kind }) => kind === 'start'),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it('ends with all that the new version needs, and goes back from anywhere without touching it', () => {
    fc.assert(
      fc.property(scenes, fc.nat(60), fc.boolean(), (scene, at, urgent) => {
        const { facts, plan } = planOf(scene);
        const end = plan.steps.reduce(simulate, simulationOf(facts));
        for (const { name } of scene.schema.changes) assert.notEqual(end.schema.get(name), 'new');
        const failed = plan.steps.slice(0, at % plan.steps.length).reduce(simulate, simulationOf(facts));
        if (failed.stable !== facts.stable) return;
        const now = factsOf(failed, facts);
        const back = planBack({ facts: now, release: 'r2', urgent });
        assert.ok(!back.some((step) => step.kind === 'revert' || isSchema(step)));
        assert.deepEqual(verifySteps(now, back), []);
      }),
      { numRuns: 1_000 },
    );
  });

  it('takes back what is broken last, the last change first, when nothing runs on it any more', () => {
    fc.assert(
      fc.property(scenes, fc.nat(60), (scene, at) => {
        const { facts, plan } = planOf(scene);
        const done = plan.steps.slice(0, at % plan.steps.length);
        const failed = done.reduce(simulate, simulationOf(facts));
        if (failed.stable !== facts.stable) return;
        const takeBack = plan.steps.flatMap((step) => (step.kind === 'expand' ? [step.change] : []));
        const now = factsOf(failed, facts);
        const back = planBack({ facts: now, release: 'r2', urgent: false, takeBack });
        const tail = back.slice(back.length - takeBack.length);
        assert.deepEqual(
          tail,
          takeBack.toReversed().map((change) => ({ kind: 'revert', change })),
        );
        assert.deepEqual(verifySteps(now, back), []);
      }),
      { numRuns: 1_000 },
    );
  });

  it('breaks R6 as soon as one of its steps is missing or comes too early', () => {
    fc.assert(
      fc.property(scenes, fc.nat(20), (scene, at) => {
        const { facts, plan } = planOf(scene);
        const needed = plan.steps.flatMap((step, index) =>
          step.kind === 'expand' || (step.kind === 'backfill' && step.until === 'done') ? [index] : [],
        );
        const gone = needed[at % Math.max(1, needed.length)];
        if (gone === undefined) return;
        const steps = plan.steps.filter((_, index) => index !== gone);
        const broken = verifyPlan(facts, steps, 'r2').map(({ invariant }) => invariant);
        assert.ok(broken.includes('R6'), JSON.stringify(steps));
      }),
      { numRuns: 1_000 },
    );
  });
});

const scene: Scene = {
  choice: { type: 'blue-green', preview: null, bakeMs: 1_000 },
  schema: {
    changes: [
      { name: '0001-a', digest: 'a', reach: 'filled', keepMs: 0 },
      { name: '0002-b', digest: 'b', reach: 'new', keepMs: 86_400_000 },
    ],
    known: { v1: [], v2: ['0001-a', '0002-b'] },
  },
  wanted: 1,
  served: true,
  smokes: false,
  worker: false,
};

describe('the contract', () => {
  const { facts, plan } = planOf(scene);
  const violations = (steps: readonly Step[]) => verifyPlan(facts, steps, 'r2').map(({ detail }) => detail);

  it('comes later, for all that piled up, in their order, and ends the way back', () => {
    assert.deepEqual(
      plan.later?.map((step) => (step.kind === 'contract' ? step.change.name : step.kind)),
      ['0001-a', '0002-b'],
    );
    assert.deepEqual(describeEnd(plan.certificate), [
      'v1 can come back until the contract of 0001-a, then that is refused',
      'v1 can come back until the contract of 0002-b, then that is refused; what it used is kept in step for 1d more',
    ]);
  });

  it('says for how long it can be taken back, where it can', () => {
    const changes = scene.schema.changes.map((change) => ({ ...change, comesBack: change.keepMs > 0 }));
    const { plan: kept } = planOf({ ...scene, schema: { ...scene.schema, changes } });
    assert.equal(
      describeEnd(kept.certificate)[1],
      'v1 can come back until 1d after the contract of 0002-b, which is taken back first; then that is refused',
    );
  });

  it('is taken back before anything of a version from before it begins, what came last before the others', () => {
    const changes = scene.schema.changes.map((change) => ({
      ...({ ...change, reach: 'contracted', comesBack: true } as const),
    }));
    const known = { v1: ['0001-a', '0002-b'], v2: [] };
    const { facts: now, plan: back } = planOf({ ...scene, schema: { changes, known } });
    const taken = back.steps.flatMap((step) => (step.kind === 'restore' ? [step.change.name] : []));
    assert.deepEqual(taken, ['0002-b', '0001-a']);
    const ways = back.certificate.ways.map((way) => describeWay(way, 'v1'));
    assert.match(ways[0] ?? '', /what was contracted of 0002-b stays taken back$/);
    assert.match(ways[1] ?? '', /what was contracted of 0002-b, 0001-a stays taken back$/);
    assert.doesNotMatch(ways.at(-1) ?? '', /taken back/, 'it has promoted by then');
    for (const [at, step] of back.steps.entries())
      if (step.kind === 'restore') {
        const without = back.steps.toSpliced(at, 1);
        assert.match(
          verifySteps(now, without)
            .map(({ detail }) => detail)
            .join('; '),
          new RegExp(`begins after the contract of ${step.change.name}`),
        );
      }
  });

  it('is a violation anywhere before the old version is gone, the bake over and the rows filled', () => {
    const [contract] = plan.later ?? [];
    assert.ok(contract);
    assert.deepEqual(violations([...plan.steps, ...(plan.later ?? [])]), []);
    for (let at = 0; at < plan.steps.length; at += 1) {
      const steps = [...plan.steps.slice(0, at), contract, ...plan.steps.slice(at)];
      assert.ok(violations(steps).length > 0, `before step ${at + 1}`);
    }
    const changes = scene.schema.changes
      .slice(0, 1)
      .map((change) => ({ ...change, reach: 'expanded' as const }));
    const unfilled = { ...facts, schema: { ...scene.schema, changes } };
    const after = simulationOf({ ...unfilled, running: [], stable: 'v2' });
    assert.equal(after.schema.get('0001-a'), 'expanded');
    const found = verifySteps({ ...unfilled, running: [], stable: 'v2' }, [contract]);
    assert.deepEqual(
      found.map(({ detail }) => detail),
      ['0001-a is contracted before its backfill'],
    );
  });

  it('is none of a test of two versions that ends with the old one', () => {
    const rules = [
      {
        name: 'some',
        match: { type: 'header', name: 'x', value: { type: 'exact', text: '1' } },
        percent: 50,
      },
    ] as const;
    const gates = { forMs: 1_000, evidence: false, approve: false };
    const stops = planOf({
      ...scene,
      choice: { type: 'ab', rules, gates, end: 'stop', instances: 1, bakeMs: 0 },
    });
    assert.equal(stops.plan.later, undefined);
    assert.equal(stops.plan.certificate.contracts, undefined);
  });
});

describe('a group', () => {
  it('has each change once: one brings it, the others wait before they begin anything', () => {
    const brings = scene.schema.changes.map((change) => ({ ...change, reach: 'new' as const }));
    const first = planOf(
      { ...scene, schema: { ...scene.schema, changes: brings } },
      { after: [], others: ['api'], brings },
    );
    assert.deepEqual(
      first.plan.steps.flatMap((step) => (step.kind === 'expand' ? [step.change.name] : [])),
      ['0001-a', '0002-b'],
    );
    const other = planOf(scene, { after: [], others: ['api'], bringer: 'api' });
    assert.deepEqual(other.plan.steps[0], { kind: 'after', services: ['api'], until: 'schema' });
    assert.ok(!other.plan.steps.some(isSchema));
    const early = other.plan.steps.slice(1);
    assert.ok(verifyPlan(other.facts, early, 'r2').some(({ invariant }) => invariant === 'R6'));
  });
});

it('a version finds what was taken from it, and only that', () => {
  const changes = REACHES.map((reach, i) => ({ name: `000${i}-${reach}`, digest: '', reach, keepMs: 0 }));
  const schema: SchemaFacts = { changes, known: { v2: changes.map(({ name }) => name) } };
  assert.deepEqual(strangeTo(schema, 'v2', 'finished'), []);
  assert.deepEqual(
    strangeTo(schema, 'v1', 'finished').map(({ name }) => name),
    ['0004-finished'],
  );
  assert.deepEqual(
    strangeTo(schema, 'toString', 'contracted').map(({ name }) => name),
    ['0003-contracted'],
  );
});
