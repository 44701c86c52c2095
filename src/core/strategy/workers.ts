/**
 * Workers take jobs from their start until they are told to stop, so nothing can be shown to them bit by bit but their
 * number: the new ones start in rounds, and the next round begins when the one before is ready and tested. Old ones
 * leave as new ones take their place; the last of them work on until the bake is over, so that going back before then
 * starts nothing. Where two versions must not meet (R10), the old one ends first and jobs wait.
 */
import type { HandoverChoice, StrategyChoice } from '../project.ts';
import type { InstanceRef, Step } from '../release/step.ts';
import { type Bounds, boundsOf } from './rolling.ts';
import {
  candidatesOf,
  leavers,
  smokeStep,
  type Strategy,
  type StrategyRequest,
  watchStep,
} from './strategy.ts';

/** Rolling in rounds, handover one after the other; all at once for any other choice. */
export function workers(choice: StrategyChoice): Strategy {
  if (choice.type === 'handover') return oldFirst(choice);
  return (request) => {
    const warm = request.facts.running.some((i) => i.ready);
    const wanted = request.service.instances;
    const bounds =
      choice.type === 'rolling'
        ? boundsOf(choice, wanted, warm)
        : { least: wanted, most: Infinity, batch: Infinity };
    return newFirst(request, bounds, choice.bakeMs);
  };
}

function newFirst(request: StrategyRequest, bounds: Bounds, bakeMs: number): Step[] {
  const waiting = candidatesOf(request);
  const all = [...waiting];
  const old = leavers(request.facts);
  const steps: Step[] = [];
  let last: InstanceRef[] = [];
  while (waiting.length > 0 || old.length > 0) {
    const begun = all.length - waiting.length;
    const room = old.length === 0 ? waiting.length : bounds.most - old.length - begun;
    const next = waiting.splice(0, Math.max(0, Math.min(room, bounds.batch)));
    steps.push(...begin(request, next, begun === 0));
    const spare = old.length + begun + next.length - bounds.least;
    const leaving = old.splice(0, Math.max(0, Math.min(spare, bounds.batch)));
    if (old.length === 0 && waiting.length === 0) last = leaving;
    else steps.push(...tellToStop(request, leaving));
  }
  return [
    ...steps,
    ...watchStep('bake', bakeMs, all),
    { kind: 'promote', version: request.to },
    ...tellToStop(request, last),
  ];
}

function oldFirst({ bakeMs }: HandoverChoice): Strategy {
  return (request) => {
    const fresh = candidatesOf(request);
    return [
      ...tellToStop(request, leavers(request.facts)),
      ...begin(request, fresh, true),
      ...watchStep('bake', bakeMs, fresh),
      { kind: 'promote', version: request.to },
    ];
  };
}

function begin(request: StrategyRequest, instances: readonly InstanceRef[], first: boolean): Step[] {
  if (instances.length === 0) return [];
  return [
    { kind: 'start', instances },
    { kind: 'ready', instances },
    ...(first ? smokeStep(request, 'at-work', instances) : []),
  ];
}

function tellToStop({ facts }: StrategyRequest, instances: readonly InstanceRef[]): Step[] {
  const drainMs = facts.worker?.drainMs ?? 0;
  return instances.length === 0 ? [] : [{ kind: 'stop', instances, drainMs }];
}
