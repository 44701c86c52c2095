/**
 * Holds a plan of workers to R1-R4 as they are for programs that take their work by themselves: somebody takes jobs
 * (R1), who is told to stop gets the whole limit for those that it has (R2), more of a candidate begin only when those
 * before are ready and tested (R3), and a candidate that does harm is told to stop before anything else (R4).
 */
import { planBack } from './back.ts';
import type { Facts, Worker } from './facts.ts';
import { factsOf, type Simulation } from './simulation.ts';
import type { StartStep, Step, StopStep } from './step.ts';

export interface FoundOfWorkers {
  readonly invariant: 'R1' | 'R2' | 'R3' | 'R4';
  readonly detail: string;
}

export function checkWorkers(
  now: Simulation,
  step: Step,
  { facts, worker, smokes }: { readonly facts: Facts; readonly worker: Worker; readonly smokes: boolean },
): FoundOfWorkers[] {
  switch (step.kind) {
    case 'start':
      return checkRound(now, step, smokes);
    case 'stop':
      return [...checkLimit(step, worker), ...checkAnybody(now, step, facts)];
    case 'route':
    case 'drain':
      return [{ invariant: 'R1', detail: 'nothing is routed to workers' }];
    default:
      return [];
  }
}

function checkRound(now: Simulation, { instances }: StartStep, smokes: boolean): FoundOfWorkers[] {
  const versions = new Set(instances.map((i) => i.version).filter((version) => version !== now.stable));
  const before = [...now.instances].filter(([, { version }]) => versions.has(version));
  const unready = before.filter(([, { ready }]) => !ready).map(([id]) => id);
  const untested = smokes && before.some(([, { version }]) => !now.smoked.has(version));
  return [
    ...(unready.length > 0 ? [`more of it begin before ${unready.join(', ')} is ready`] : []),
    ...(untested ? ['more of it begin before its smoke test'] : []),
  ].map((detail) => ({ invariant: 'R3', detail }));
}

function checkLimit({ drainMs, instances }: StopStep, worker: Worker): FoundOfWorkers[] {
  if (drainMs === worker.drainMs) return [];
  const ids = instances.map((i) => i.id).join(', ');
  return [{ invariant: 'R2', detail: `jobs of ${ids} do not get their limit` }];
}

/** A candidate may have to go although nobody is left: jobs wait in their queue. */
function checkAnybody(now: Simulation, { instances }: StopStep, facts: Facts): FoundOfWorkers[] {
  const gone = new Set(instances.map((i) => i.id));
  const isCandidate = now.stable === facts.stable && instances.every((i) => i.version !== now.stable);
  const ready = [...now.instances].filter(([, instance]) => instance.ready).map(([id]) => id);
  if (facts.alone !== null || now.stable === null || isCandidate || ready.length === 0) return [];
  return ready.some((id) => !gone.has(id)) ? [] : [{ invariant: 'R1', detail: 'nobody would take jobs' }];
}

/** R4, at this point of a plan. */
export function checkWayBack(now: Simulation, facts: Facts, release: string): FoundOfWorkers[] {
  const [first] = planBack({ facts: factsOf(now, facts), release, urgent: true });
  const told = new Set(first?.kind === 'stop' ? first.instances.map((i) => i.id) : []);
  const left = [...now.instances].filter(([id, { version }]) => version !== now.stable && !told.has(id));
  if (left.length === 0) return [];
  const ids = left.map(([id]) => id).join(', ');
  return [{ invariant: 'R4', detail: `after one step back, ${ids} would still take jobs` }];
}
