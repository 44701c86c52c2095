/**
 * The way back where two versions must not run at once (R10): all of the candidate is gone before anything of
 * stable is started again, and requests wait meanwhile.
 */
import { groupOf } from '../traffic/rotation.ts';
import { alreadyRouted, type BackRequest, hasTraffic, missingOf, refs } from './back-parts.ts';
import type { InstanceRef, Step } from './step.ts';

export function planBackAlone({ facts, release }: Omit<BackRequest, 'urgent'>): Step[] {
  const { stable, running, rotation } = facts;
  const ours = refs(running.filter((i) => i.version === stable));
  const candidates = refs(running.filter((i) => i.version !== stable));
  const missing = stable === null ? [] : missingOf(stable, facts, ours.length, release);
  const unready = running.filter((i) => i.version === stable && !i.ready);
  const serves = unready.length < ours.length;
  const all = [...ours, ...missing];
  const draining = candidates.map((i) => i.id);

  const steps: Step[] = [];
  const routeTo = (to: readonly InstanceRef[], purpose: string) => {
    const instances = to.map((i) => i.id);
    steps.push({ kind: 'route', rotation: { instances, split: null, draining }, purpose });
  };
  if (serves && !alreadyRouted(facts, ours)) routeTo(ours, `everything back to ${stable}`);
  if (!serves && candidates.some((i) => groupOf(rotation, i.id) !== null)) {
    const purpose =
      stable === null
        ? 'no version serves: requests are held, then refused'
        : `requests wait until ${stable} serves again`;
    const holds = { instances: [], split: null, draining };
    steps.push({ kind: 'route', rotation: holds, holdMs: null, purpose });
  }
  steps.push(...end(candidates, facts));
  if (missing.length > 0) steps.push({ kind: 'start', instances: missing });
  const awaited = serves ? missing : [...refs(unready), ...missing];
  if (awaited.length > 0) steps.push({ kind: 'ready', instances: awaited });
  if (stable !== null && (serves ? missing.length > 0 : !alreadyRouted(facts, all)))
    routeTo(all, serves ? `the restarted instances of ${stable} join` : `everything back to ${stable}`);
  return steps;
}

/** Those that wait have been kept waiting before: half of what is left to them is all that the candidate gets. */
function end(candidates: readonly InstanceRef[], facts: BackRequest['facts']): Step[] {
  const hadTraffic = candidates.filter((i) => hasTraffic(facts, i.id));
  const requestsMs = Math.floor((facts.alone?.holdMs ?? 0) / 2);
  return [
    ...(hadTraffic.length > 0 ? [{ kind: 'drain', instances: hadTraffic, requestsMs } as const] : []),
    ...(candidates.length > 0 ? [{ kind: 'stop', instances: candidates } as const] : []),
  ];
}
