import type { Step } from './step.ts';

/** The candidate's percent from this step on; null: the step changes nothing about it. */
export function weightFrom(step: Step): number | null {
  if (step.kind === 'share') return step.percent;
  return step.kind === 'route' ? (step.rotation.split?.candidate.percent ?? 0) : null;
}

/** The candidate's percent while the steps before `at` are done; null while requests are not shared out. */
export function weightAt(steps: readonly Step[], at: number): number | null {
  const weights = steps.slice(0, at).map(weightFrom);
  return weights.findLast((weight) => weight !== null) || null;
}
