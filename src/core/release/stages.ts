/**
 * Holds a plan that goes up by stages to R3, by its steps alone: a candidate's share never rises before the gates of
 * the stage are behind it, never over the stage's weight, and both versions have the instances that their part of the
 * requests needs.
 */
import type { Gates, Stage } from '../project.ts';
import { instancesFor } from './capacity.ts';
import type { Facts } from './facts.ts';
import type { Step } from './step.ts';
import type { Violation } from './verify.ts';

export interface StagesCheck {
  readonly facts: Facts;
  readonly steps: readonly Step[];
  readonly stages: readonly Stage[];
  /** Instances that the candidate has once it has everything. */
  readonly wanted: number;
}

type Rotation = Extract<Step, { kind: 'route' }>['rotation'];

export function checkStages({ facts, steps, stages, wanted }: StagesCheck): Violation[] {
  const whole = facts.running.filter(({ id }) => facts.rotation.instances.includes(id)).length;
  const violations: Violation[] = [];
  const ladder = new Ladder(stages);
  for (const [index, step] of steps.entries()) {
    ladder.pass(step);
    if (step.kind !== 'route') continue;
    const { rotation } = step;
    const percent = candidatePercent(rotation);
    const found = [
      ...(percent > ladder.allowed ? [`${percent}% where the gates passed allow ${ladder.allowed}%`] : []),
      ...starved(rotation, percent, { wanted, whole }),
    ];
    ladder.at = percent;
    for (const detail of found) violations.push({ invariant: 'R3', step: index, detail });
  }
  return violations;
}

/** Which gates are behind: those of a stage count only while its whole weight is in force. */
class Ladder {
  readonly #stages: readonly Stage[];
  #passed = 0;
  /** Gates of the stage that are not passed yet. */
  #open = new Set<Step['kind']>();
  at = 0;

  constructor(stages: readonly Stage[]) {
    this.#stages = stages;
    this.#begin();
  }

  get allowed(): number {
    return this.#stages[this.#passed]?.weight ?? 100;
  }

  pass(step: Step): void {
    const stage = this.#stages[this.#passed];
    if (!stage || this.at !== stage.weight) return;
    this.#open.delete(step.kind);
    if (this.#open.size > 0) return;
    this.#passed += 1;
    this.#begin();
  }

  #begin(): void {
    const stage = this.#stages[this.#passed];
    this.#open = new Set(stage ? kindsOf(stage) : []);
  }
}

function kindsOf({ forMs, approve }: Gates): Step['kind'][] {
  return [...(forMs > 0 ? ['hold' as const] : []), ...(approve ? ['approve' as const] : [])];
}

function candidatePercent({ split }: Rotation): number {
  return split ? split.candidate.percent : 100;
}

function starved(
  { instances, split }: Rotation,
  percent: number,
  { wanted, whole }: { readonly wanted: number; readonly whole: number },
): string[] {
  const lacks = (who: string, has: number, part: number, of: number) =>
    part > 0 && has < instancesFor(part, of) ? [`${has} of ${who} for ${part}% of the requests`] : [];
  if (!split) return lacks('the candidate', instances.length, 100, wanted);
  const rest = 100 - percent - split.baseline.percent;
  return [
    ...lacks('the candidate', split.candidate.instances.length, percent, wanted),
    ...lacks('the baseline', split.baseline.instances.length, split.baseline.percent, wanted),
    ...lacks('stable', instances.length, rest, whole),
  ];
}
