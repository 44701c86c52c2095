/** Strategies with random numbers, for the property tests of plans. */
import fc from 'fast-check';
import type { CanaryChoice, Gates } from '../../src/core/project.ts';

/** At least one gate. */
const gates = fc
  .record({ forMs: fc.constantFrom(0, 1_000), approve: fc.boolean() })
  .filter(({ forMs, approve }): boolean => forMs > 0 || approve)
  .map((each): Gates => each);

export const canaryChoice = fc
  .record({
    weights: fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 5 }),
    gates,
    stable: fc.constantFrom<'keep' | 'shrink'>('keep', 'shrink'),
    baseline: fc.boolean(),
    bakeMs: fc.constantFrom(0, 5_000),
  })
  .map(({ weights, gates: each, ...choice }): CanaryChoice => ({
    ...{ type: 'canary', ...choice },
    stages: weights.toSorted((a, b) => a - b).map((weight) => ({ weight, ...each })),
  }));
