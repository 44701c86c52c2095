/** What every way back is made of. */
import { groupOf } from '../traffic/rotation.ts';
import { type Facts, instanceId } from './facts.ts';
import type { InstanceRef } from './step.ts';

export interface BackRequest {
  readonly facts: Facts;
  readonly release: string;
  /** The candidate is broken: it leaves traffic at once, even when stable is short of instances (docs/adr/0004). */
  readonly urgent: boolean;
}

/** The instances that stable lacks, as they would be started. */
export function missingOf(stable: string, facts: Facts, have: number, release: string): InstanceRef[] {
  const count = Math.max(0, facts.stableInstances - have);
  return Array.from({ length: count }, (_, i) => ({
    id: instanceId(facts.service, release, facts.nextInstance + i),
    version: stable,
  }));
}

export function alreadyRouted({ rotation }: Facts, to: readonly InstanceRef[]): boolean {
  const now = new Set(rotation.instances);
  return rotation.split === null && now.size === to.length && to.every((i) => now.has(i.id));
}

/** An instance that is draining still may have requests: it must be drained again before it is stopped (R2). */
export function hasTraffic({ rotation }: Facts, id: string): boolean {
  return groupOf(rotation, id) !== null || rotation.draining.includes(id);
}

export const refs = (instances: readonly InstanceRef[]): InstanceRef[] =>
  instances.map(({ id, version }) => ({ id, version }));
