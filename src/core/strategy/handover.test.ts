/** Hunts a handover that runs both versions (R10), holds without an end, or leaves no time for the way back (T7). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { serviceSpec } from '../../../test/support/service-spec.ts';
import type { StrategyChoice } from '../project.ts';
import type { Facts } from '../release/facts.ts';
import { makePlan } from '../release/planning.ts';
import type { Plan } from '../release/plan.ts';
import type { Step } from '../release/step.ts';
import { verifySteps } from '../release/verify.ts';
import { waitAt } from '../release/waiting.ts';

const facts: Facts = {
  service: 'web',
  stable: 'v1',
  stableInstances: 1,
  running: [{ id: 'web-r1-1', version: 'v1', ready: true }],
  rotation: { instances: ['web-r1-1'], split: null, draining: [] },
  nextInstance: 1,
  alone: { holdMs: 10_000, readyMs: 500 },
};
const HANDOVER = { type: 'handover', withinMs: null, bakeMs: 5_000 } as const;
const ROLLING: StrategyChoice = { type: 'rolling', surge: 1, unavailable: 0, batch: null, bakeMs: 0 };

interface Change {
  readonly strategy?: StrategyChoice;
  readonly kind?: 'deploy' | 'rollback';
  readonly readyMs?: number | null;
}

function planOf({ strategy = HANDOVER, kind = 'deploy', readyMs = 500 }: Change = {}): Plan {
  const smoke = [{ type: 'command', command: 'true', timeoutMs: 1_000 }] as const;
  const service = serviceSpec({ instances: 1, strategy, smoke });
  const now = { ...facts, alone: { holdMs: 10_000, readyMs } };
  return makePlan({ kind, facts: now, release: 'r2', to: 'v2', service, problems: [] });
}

const kinds = ({ steps }: Plan) => steps.map((step) => step.kind).join(' ');
const waits = ({ steps }: Plan) =>
  steps.flatMap((step) => (step.kind === 'route' ? (step.holdMs ?? []) : []));
const WHOLE = 'route drain stop start ready smoke route smoke bake promote';

describe('a handover', () => {
  it('lets requests wait while the old version ends and the new one begins', () => {
    assert.equal(kinds(planOf()), WHOLE);
  });

  it('goes before what the new version says, and before the haste of a rollback', () => {
    const withoutBake = WHOLE.replace('bake ', '');
    assert.equal(kinds(planOf({ strategy: ROLLING })), withoutBake);
    assert.equal(kinds(planOf({ kind: 'rollback' })), withoutBake);
  });

  it('leaves of the hold what the way back takes, by how long stable took to get ready', () => {
    assert.deepEqual(waits(planOf()), [8_000]);
    assert.deepEqual(waits(planOf({ readyMs: null })), [5_000]);
    assert.deepEqual(waits(planOf({ readyMs: 9_000 })), [5_000]);
    assert.deepEqual(waits(planOf({ strategy: { ...HANDOVER, withinMs: 2_500 } })), [2_500]);
  });

  it('says before it begins that those who wait may not have the time for the way back', () => {
    const [problem = ''] = planOf({ readyMs: 9_000 }).certificate.problems;
    assert.match(problem, /^v1 took 9s to get ready before: .*\(traffic\.hold: 10s\)$/);
    assert.deepEqual(planOf().certificate.problems, []);
  });

  it('says of each step whether requests would have to wait for the way back', () => {
    const ways = planOf().certificate.ways.map(({ how, fromStep, toStep }) => `${how} ${fromStep}-${toStep}`);
    assert.deepEqual(ways, ['one-routing 1-2', 'start-again 3-3', 'wait 4-9', 'new-release 10-10']);
  });

  it('is refused where it would run both, hold without an end, or hold where they may run at once', () => {
    const { steps } = planOf();
    const broken = (some: readonly Step[], at: Facts = facts) =>
      verifySteps(at, some).map((v) => v.invariant);
    assert.deepEqual(broken(steps.filter((step) => step.kind !== 'stop')), ['R10']);
    assert.deepEqual(broken(steps.slice(0, 6)), ['R1']);
    assert.deepEqual(broken(steps, { ...facts, alone: null }), ['R1']);
  });

  it('counts the time of a wait from its routing to the one that ends it', () => {
    const { steps } = planOf();
    assert.deepEqual(
      steps.map((_, index) => waitAt(steps, index)?.since ?? null),
      [null, 0, 0, 0, 0, 0, 0, null, null, null],
    );
  });
});
