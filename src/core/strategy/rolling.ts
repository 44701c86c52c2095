/**
 * Rolling: a few instances at a time. Between `wanted - unavailable` and `wanted + surge` instances are in
 * rotation at every moment (R1), and each old one leaves traffic and drains before it is stopped (R2). The
 * last batch of the old version stays warm until the bake is over.
 */
import type { RollingChoice } from '../project.ts';
import type { InstanceRef, Step } from '../release/step.ts';
import { flagSteps } from './flags.ts';
import {
  watchStep,
  candidatesOf,
  leavers,
  rotationOf,
  smokeStep,
  type Strategy,
  type StrategyRequest,
} from './strategy.ts';

export function rolling(choice: RollingChoice): Strategy {
  return (request) => {
    const warm = request.facts.running.some((i) => i.ready);
    const bounds = boundsOf(choice, request.service.instances, warm);
    const waiting = candidatesOf(request);
    const all = [...waiting];
    const old = leavers(request.facts);
    const fresh: InstanceRef[] = [];
    const steps: Step[] = [];
    let stayingWarm: InstanceRef[] = [];

    while (waiting.length > 0 || old.length > 0) {
      const room = old.length === 0 ? waiting.length : bounds.most - old.length - fresh.length;
      const next = waiting.splice(0, Math.max(0, Math.min(room, bounds.batch)));
      if (next.length > 0) steps.push(...begin(request, next, fresh.length === 0));
      fresh.push(...next);
      const spare = old.length + fresh.length - bounds.least;
      const leaving = old.splice(0, Math.max(0, Math.min(spare, bounds.batch)));
      steps.push(...exchange(request, next, leaving, [...fresh, ...old]));
      // The surge leaves room for the last batch of the old version until the release is over.
      if (old.length === 0 && waiting.length === 0) stayingWarm = leaving;
      else steps.push(...stop(leaving));
    }
    return [
      ...steps,
      ...smokeStep(request, 'after', all),
      ...flagSteps(request, choice, all),
      ...watchStep('bake', choice.bakeMs, all),
      { kind: 'promote', version: request.to },
      ...stop(stayingWarm),
    ];
  };
}

export interface Bounds {
  readonly least: number;
  readonly most: number;
  readonly batch: number;
}

/**
 * One instance always serves, so a service of one needs a surge whatever the file says. Where nothing serves
 * now there is nothing to keep: the new ones start together.
 */
export function boundsOf(choice: RollingChoice, wanted: number, warm: boolean): Bounds {
  if (!warm) return { least: wanted, most: Infinity, batch: Infinity };
  const unavailable = Math.min(choice.unavailable, wanted - 1);
  const surge = choice.surge + unavailable === 0 ? 1 : choice.surge;
  const together = surge + unavailable;
  return {
    least: wanted - unavailable,
    most: wanted + surge,
    batch: Math.min(choice.batch ?? together, together),
  };
}

function begin(request: StrategyRequest, next: readonly InstanceRef[], first: boolean): Step[] {
  return [
    { kind: 'start', instances: next },
    { kind: 'ready', instances: next },
    ...(first ? smokeStep(request, 'before', next) : []),
  ];
}

/** The new ones join and the old ones leave in the same routing. */
function exchange(
  { to }: StrategyRequest,
  joining: readonly InstanceRef[],
  leaving: readonly InstanceRef[],
  serving: readonly InstanceRef[],
): Step[] {
  const joins = joining.length > 0 ? [`${joining.length} of ${to} join`] : [];
  const leaves = leaving.length > 0 ? [`${leaving.length} of ${leaving[0]?.version} leave`] : [];
  const route: Step = {
    kind: 'route',
    rotation: rotationOf(serving, leaving),
    purpose: [...joins, ...leaves].join(', '),
  };
  return leaving.length === 0 ? [route] : [route, { kind: 'drain', instances: leaving }];
}

function stop(instances: readonly InstanceRef[]): Step[] {
  return instances.length === 0 ? [] : [{ kind: 'stop', instances }];
}
