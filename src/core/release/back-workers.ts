/**
 * The way back of workers. Jobs wait in their queue, so a candidate that does harm, or must not meet the other version
 * (R10), is told to stop before anything else (R4); any other one works until stable is whole again (R1).
 */
import { type BackRequest, missingOf, refs } from './back-parts.ts';
import type { Worker } from './facts.ts';
import type { Step } from './step.ts';

export function planBackWorkers({ facts, release, urgent }: BackRequest, { drainMs }: Worker): Step[] {
  const { stable, running, alone } = facts;
  const ours = running.filter((i) => i.version === stable);
  const candidates = refs(running.filter((i) => i.version !== stable));
  const missing = stable === null ? [] : missingOf(stable, facts, ours.length, release);
  const awaited = [...refs(ours.filter((i) => !i.ready)), ...missing];
  const end: Step[] = candidates.length > 0 ? [{ kind: 'stop', instances: candidates, drainMs }] : [];
  const restore: Step[] = [
    ...(missing.length > 0 ? [{ kind: 'start', instances: missing } as const] : []),
    ...(awaited.length > 0 ? [{ kind: 'ready', instances: awaited } as const] : []),
  ];
  return urgent || alone !== null ? [...end, ...restore] : [...restore, ...end];
}
