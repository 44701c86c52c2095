/** Strategies with random numbers, and the plans that they make where all is well, for property tests. */
import fc from 'fast-check';
import type { AbChoice, CanaryChoice, Gates, StrategyChoice } from '../../src/core/project.ts';
import { type Facts, instanceId } from '../../src/core/release/facts.ts';
import { makePlan } from '../../src/core/release/planning.ts';
import type { Step } from '../../src/core/release/step.ts';
import type { ShadowShare } from '../../src/core/traffic/shadow.ts';
import { serviceSpec } from './service-spec.ts';

/** At least one gate. */
const gates = fc
  .record({ forMs: fc.constantFrom(0, 1_000), evidence: fc.boolean(), approve: fc.boolean() })
  .filter(({ forMs, evidence, approve }): boolean => forMs > 0 || evidence || approve)
  .map((each): Gates => each);

export const canaryChoice = fc
  .record({
    copied: fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 2 }),
    weights: fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 5 }),
    gates,
    stable: fc.constantFrom<'keep' | 'shrink'>('keep', 'shrink'),
    baseline: fc.boolean(),
    bakeMs: fc.constantFrom(0, 5_000),
  })
  .map(({ copied, weights, gates: each, ...choice }): CanaryChoice => ({
    ...{ type: 'canary', ...choice },
    stages: [
      ...copied.map((percent) => ({ weight: 0, shadow: copiesOf(percent), ...each })),
      ...weights.toSorted((a, b) => a - b).map((weight) => ({ weight, shadow: null, ...each })),
    ],
  }));

const copiesOf = (percent: number): ShadowShare => ({ percent, methods: ['GET'], bodies: false });

const header = (text: string) =>
  ({ type: 'header', name: 'x-group', value: { type: 'exact', text } }) as const;

export const abChoice = fc
  .record({
    percents: fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 4 }),
    gates,
    end: fc.constantFrom<'promote' | 'stop'>('promote', 'stop'),
    instances: fc.constantFrom(null, 1),
    bakeMs: fc.constantFrom(0, 5_000),
  })
  .map(({ percents, ...choice }): AbChoice => ({
    ...{ type: 'ab', ...choice },
    rules: percents.map((percent, i) => ({ name: `rule-${i}`, match: header(`${i}`), percent })),
  }));

export interface Served {
  readonly choice: StrategyChoice;
  /** Instances before and after. */
  readonly wanted: number;
}

/** From v1, whole and ready, to v2. */
export function planFor({ choice, wanted }: Served, served = true): { facts: Facts; steps: readonly Step[] } {
  const ids = served ? Array.from({ length: wanted }, (_, i) => instanceId('web', 'r1', i + 1)) : [];
  const facts: Facts = {
    service: 'web',
    stable: served ? 'v1' : null,
    stableInstances: ids.length,
    running: ids.map((id) => ({ id, version: 'v1', ready: true })),
    rotation: { instances: ids, split: null, draining: [] },
    nextInstance: 1,
    alone: null,
  };
  const smoke = [{ type: 'command', command: 'true', timeoutMs: 1_000 }] as const;
  const service = serviceSpec({ strategy: choice, instances: wanted, smoke });
  const { steps } = makePlan({ kind: 'deploy', facts, release: 'r2', to: 'v2', service, problems: [] });
  return { facts, steps };
}
