/**
 * The way back: a plan from what is true now to "stable serves everything and nothing of the candidate
 * runs". It is not the forward plan reversed (DESIGN s. 5).
 */
import { groupOf } from '../traffic/rotation.ts';
import { type Facts, instanceId, type RunningInstance } from './facts.ts';
import type { InstanceRef, Step } from './step.ts';

export interface BackRequest {
  readonly facts: Facts;
  readonly release: string;
  /** The candidate answers wrongly: it leaves traffic at once, even when stable is short of instances. */
  readonly urgent: boolean;
}

export function planBack({ facts, release, urgent }: BackRequest): Step[] {
  const { stable, running } = facts;
  const ours = running.filter((i) => i.version === stable);
  const candidates = running.filter((i) => i.version !== stable);
  const warm = ours.filter((i) => i.ready);
  const missing = stable === null ? [] : missingOf(stable, facts, ours.length, release);
  const all = [...ours, ...missing];
  const serves = ({ id, ready }: RunningInstance) => ready && facts.rotation.instances.includes(id);

  const steps: Step[] = [];
  const route = (to: readonly InstanceRef[], purpose: string) => {
    if (alreadyRouted(facts, to)) return;
    const instances = to.map((i) => i.id);
    const draining = candidates.map((i) => i.id);
    steps.push({ kind: 'route', rotation: { instances, split: null, draining }, purpose });
  };
  const startMissing = () => {
    if (missing.length > 0) steps.push({ kind: 'start', instances: missing });
  };
  const awaitReady = (instances: readonly InstanceRef[]) => {
    if (instances.length > 0) steps.push({ kind: 'ready', instances: refs(instances) });
  };

  if (stable === null) {
    route([], 'no version serves: requests are held, then refused');
  } else if (warm.length > 0 && (urgent || missing.length === 0 || !candidates.some(serves))) {
    // R4: the candidate leaves in one routing; what stable lacks is started behind it.
    route(ours, `everything back to ${stable}`);
    startMissing();
    awaitReady(missing);
    if (missing.length > 0) route(all, `the restarted instances of ${stable} join`);
  } else {
    // Nothing of stable can take the traffic yet: the candidate keeps it until something can (R1).
    startMissing();
    awaitReady([...ours.filter((i) => !i.ready), ...missing]);
    route(all, `everything back to ${stable}`);
  }

  const hadTraffic = candidates.filter((i) => hasTraffic(facts, i.id));
  if (hadTraffic.length > 0) steps.push({ kind: 'drain', instances: refs(hadTraffic) });
  if (candidates.length > 0) steps.push({ kind: 'stop', instances: refs(candidates) });
  return steps;
}

function missingOf(stable: string, facts: Facts, have: number, release: string): InstanceRef[] {
  const count = Math.max(0, facts.stableInstances - have);
  return Array.from({ length: count }, (_, i) => ({
    id: instanceId(facts.service, release, facts.nextInstance + i),
    version: stable,
  }));
}

function alreadyRouted({ rotation }: Facts, to: readonly InstanceRef[]): boolean {
  const now = new Set(rotation.instances);
  return rotation.split === null && now.size === to.length && to.every((i) => now.has(i.id));
}

/** An instance that is draining still may have requests: it must be drained again before it is stopped (R2). */
function hasTraffic({ rotation }: Facts, id: string): boolean {
  return groupOf(rotation, id) !== null || rotation.draining.includes(id);
}

const refs = (instances: readonly InstanceRef[]): InstanceRef[] =>
  instances.map(({ id, version }) => ({ id, version }));
