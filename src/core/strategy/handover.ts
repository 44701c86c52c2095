/**
 * Handover, for programs of which two versions must not run at once (R10): requests wait at the gateway while
 * the old version is drained and stopped and the new one started and tested, and then go on in order (T7).
 */
import type { HandoverChoice } from '../project.ts';
import type { Alone } from '../release/facts.ts';
import type { InstanceRef, Step } from '../release/step.ts';
import { formatDurationMs } from '../units.ts';
import { flagSteps } from './flags.ts';
import {
  candidatesOf,
  leavers,
  rotationOf,
  smokeStep,
  type Strategy,
  type StrategyRequest,
  watchStep,
} from './strategy.ts';

export function handover(choice: HandoverChoice): Strategy {
  return (request) => {
    const { facts, to } = request;
    const fresh = candidatesOf(request);
    const old = leavers(facts);
    return [
      ...leave(request, old, choice.withinMs ?? (facts.alone ? withinOf(facts.alone) : 0)),
      { kind: 'start', instances: fresh },
      { kind: 'ready', instances: fresh },
      ...smokeStep(request, 'before', fresh),
      { kind: 'route', rotation: rotationOf(fresh), purpose: `everything to ${to}` },
      ...smokeStep(request, 'after', fresh),
      ...flagSteps(request, choice, fresh),
      ...watchStep('bake', choice.bakeMs, fresh),
      { kind: 'promote', version: to },
    ];
  };
}

function leave({ to }: StrategyRequest, old: readonly InstanceRef[], holdMs: number): Step[] {
  const [first] = old;
  if (!first) return [];
  const purpose = `requests wait while ${to} takes over from ${first.version}, for ${formatDurationMs(holdMs)} at most`;
  return [
    { kind: 'route', rotation: rotationOf([], old), holdMs, purpose },
    { kind: 'drain', instances: old },
    { kind: 'stop', instances: old },
  ];
}

/** What is left of the hold beside the way back. */
export function withinOf(alone: Alone): number {
  return alone.holdMs - returnMs(alone);
}

/**
 * To stop the new version and start the old one again: twice as long as that took to get ready before, and a
 * second; at most half of the hold, which is also taken where nobody knows.
 */
function returnMs({ holdMs, readyMs }: Alone): number {
  const half = Math.ceil(holdMs / 2);
  return readyMs === null ? half : Math.min(half, Math.ceil(2 * readyMs) + 1_000);
}
