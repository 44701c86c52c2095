/** The stages of a plan: each begins with a route step or a raised flag, and lasts until the next one. Workers have one. */
import type { Weights } from '../judge/cell.ts';
import { isOfWorkers } from './plan.ts';
import type { ReleaseRecord } from './records.ts';
import { isPromoted } from './state.ts';
import type { RouteStep, Step } from './step.ts';

export interface PlanStage {
  /** Of the step with which it begins; of workers, of the step with which the first of them were ready. */
  readonly index: number;
  /** Null: no split, so nobody is weighed against anybody. */
  readonly weights: Weights | null;
  /** Instances of it had not been started when the stage before began. */
  readonly cold: boolean;
}

/** The stage that is in force; null before the first, and once a release has turned or promoted. */
export function stageOf({ state, plan }: Pick<ReleaseRecord, 'state' | 'plan'>): PlanStage | null {
  if (state.phase !== 'forward' || isPromoted(state, plan.steps)) return null;
  // A route step that is under way has not been acknowledged (R3).
  const done = plan.steps.slice(0, state.at);
  const index = done.findLastIndex(begins);
  if (isOfWorkers(plan)) {
    const first = done.findIndex(({ kind }) => kind === 'ready');
    return first === -1 ? null : { index: first, weights: null, cold: false };
  }
  const route = done.findLast((step) => step.kind === 'route');
  if (route === undefined) return null;
  return { index, weights: weightsOf(route), cold: startsSome(done.slice(0, index)) };
}

/** What users meet is another thing from here on: evidence of before says nothing of it. */
const begins = ({ kind }: Step) => kind === 'route' || kind === 'flag';

/** Of a route step that is under way: the gateway may run it already. */
export function comingWeights({ state, plan }: Pick<ReleaseRecord, 'state' | 'plan'>): Weights | null {
  const step = state.phase === 'forward' ? plan.steps[state.at] : undefined;
  return step?.kind === 'route' ? weightsOf(step) : null;
}

/** Whether requests are copied to the candidate, in a stage that begins with this step or in any. */
export function copiesRequests({ plan }: Pick<ReleaseRecord, 'plan'>, index?: number): boolean {
  const steps = index === undefined ? plan.steps : plan.steps.slice(index, index + 1);
  return steps.some((step) => step.kind === 'route' && Boolean(step.rotation.split?.shadow));
}

function weightsOf({ rotation: { split } }: RouteStep): Weights | null {
  return split && { candidate: split.candidate.percent, baseline: split.baseline.percent };
}

function startsSome(before: readonly Step[]): boolean {
  const last = before.findLastIndex(begins);
  return before.slice(last + 1).some(({ kind }) => kind === 'start');
}
