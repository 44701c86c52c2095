/** The steps of a plan during which requests wait: from a routing with nobody up to the next one (T7). */
import type { Step } from './step.ts';

export interface Wait {
  /** The step with which it begins. */
  readonly since: number;
  readonly withinMs: number;
}

/** Null: requests are served while this step runs, or wait as long as it takes. */
export function waitAt(steps: readonly Step[], index: number): Wait | null {
  const since = steps.findLastIndex((step, i) => i < index && step.kind === 'route');
  const step = steps[since];
  const withinMs = step?.kind === 'route' ? (step.holdMs ?? null) : null;
  return withinMs === null ? null : { since, withinMs };
}
