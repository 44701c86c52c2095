/**
 * The way back: a plan from what is true now to "stable serves everything and nothing of the candidate
 * runs". It is not the forward plan reversed (DESIGN s. 5).
 */
import { groupOf, NO_SHARE, type Rotation } from '../traffic/rotation.ts';
import { planBackAlone } from './back-alone.ts';
import { planBackWorkers } from './back-workers.ts';
import { alreadyRouted, type BackRequest, hasTraffic, missingOf, refs, schemaBack } from './back-parts.ts';
import { percentBorneBy } from './capacity.ts';
import { type Facts, instanceId, type RunningInstance } from './facts.ts';
import { flagsBack } from './flag-plan.ts';
import type { InstanceRef, Step } from './step.ts';

/** Flags first (F2), which waits for nobody; what is broken leaves in one routing all the same (R4). */
export function planBack(request: BackRequest): Step[] {
  return [...flagsBack(request.facts), ...wayBack(request), ...schemaBack(request)];
}

function wayBack(request: BackRequest): Step[] {
  const { worker, alone } = request.facts;
  if (worker) return planBackWorkers(request, worker);
  return alone === null ? planBackBeside(request) : planBackAlone(request);
}

function planBackBeside({ facts, release, urgent }: BackRequest): Step[] {
  const { stable, running } = facts;
  const candidates = running.filter((i) => i.version !== stable);
  const { kept, surplus } = stableOf(facts, release);
  const leaving = [...candidates, ...surplus];
  const warm = kept.filter((i) => i.ready);
  const missing = stable === null ? [] : missingOf(stable, facts, kept.length, release);
  const all = [...kept, ...missing];
  const serving = candidates.filter(({ id, ready }) => ready && isGiven(facts.rotation, id));

  const steps: Step[] = [];
  const route = (to: readonly InstanceRef[], purpose: string) => {
    if (alreadyRouted(facts, to)) return;
    steps.push({
      kind: 'route',
      rotation: { instances: ids(to), split: null, draining: ids(leaving) },
      purpose,
    });
  };
  const startMissing = () => {
    if (missing.length > 0) steps.push({ kind: 'start', instances: missing });
  };
  const awaitReady = (instances: readonly InstanceRef[]) => {
    if (instances.length > 0) steps.push({ kind: 'ready', instances: refs(instances) });
  };

  if (stable === null) {
    route([], 'no version serves: requests are held, then refused');
  } else if (warm.length > 0 && (urgent || missing.length === 0 || serving.length === 0)) {
    // R4: the candidate leaves in one routing; what stable lacks is started behind it.
    route(kept, `everything back to ${stable}`);
    startMissing();
    awaitReady(missing);
    if (missing.length > 0) route(all, `the restarted instances of ${stable} join`);
  } else {
    // Stable cannot take everything yet: it gets what it can bear, and the candidate keeps the rest (R1).
    const eased = easedRotation(facts, { warm, serving, surplus });
    if (eased) {
      const percent = 100 - (eased.split?.candidate.percent ?? 0);
      steps.push({ kind: 'route', rotation: eased, purpose: `${percent}% back to ${stable}` });
    }
    startMissing();
    awaitReady([...kept.filter((i) => !i.ready), ...missing]);
    route(all, `everything back to ${stable}`);
  }

  const hadTraffic = leaving.filter((i) => hasTraffic(facts, i.id));
  if (hadTraffic.length > 0) steps.push({ kind: 'drain', instances: refs(hadTraffic) });
  if (leaving.length > 0) steps.push({ kind: 'stop', instances: refs(leaving) });
  return steps;
}

/**
 * Of stable as many stay as there should be, those first that are ready and those that were there before. What this
 * release started beside them (a baseline) ends with it.
 */
function stableOf(facts: Facts, release: string): Record<'kept' | 'surplus', readonly RunningInstance[]> {
  const prefix = instanceId(facts.service, release, 0).slice(0, -1);
  const isOurs = ({ id }: RunningInstance) => id.startsWith(prefix);
  const ours = facts.running
    .filter((i) => i.version === facts.stable)
    .toSorted((a, b) => Number(b.ready) - Number(a.ready) || Number(isOurs(a)) - Number(isOurs(b)));
  const over = Math.max(0, ours.length - facts.stableInstances);
  const kept = ours.length - Math.min(over, ours.filter(isOurs).length);
  return { kept: ours.slice(0, kept), surplus: ours.slice(kept) };
}

/** The candidate's share down to what the warm ones of stable cannot take; null where that is no less than now. */
function easedRotation(
  { rotation, stableInstances }: Facts,
  { warm, serving, surplus }: Readonly<Record<'warm' | 'serving' | 'surplus', readonly RunningInstance[]>>,
): Rotation | null {
  const percent = 100 - percentBorneBy(warm.length, stableInstances);
  const now = sharedPercent(rotation, warm);
  if (warm.length === 0 || serving.length === 0 || percent >= now) return null;
  const split = {
    candidate: { instances: ids(serving), percent },
    baseline: NO_SHARE,
    shadow: null,
    rules: [],
  };
  return { instances: ids(warm), split, draining: ids(surplus) };
}

/** Of the candidate. Where both versions are in one group each instance has its part already: nothing to ease. */
function sharedPercent({ instances, split }: Rotation, stable: readonly RunningInstance[]): number {
  if (split) return split.candidate.percent;
  return stable.some(({ id }) => instances.includes(id)) ? 0 : 100;
}

function isGiven(rotation: Rotation, id: string): boolean {
  const group = groupOf(rotation, id);
  return group === 'candidate' ? (rotation.split?.candidate.percent ?? 0) > 0 : group !== null;
}

const ids = (instances: readonly InstanceRef[]): string[] => instances.map(({ id }) => id);
