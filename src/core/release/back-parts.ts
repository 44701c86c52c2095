/** What every way back is made of. */
import { groupOf } from '../traffic/rotation.ts';
import { type Facts, instanceId } from './facts.ts';
import type { ChangeRef, InstanceRef, Step } from './step.ts';

export interface BackRequest {
  readonly facts: Facts;
  readonly release: string;
  /** The candidate is broken: it leaves traffic at once, even when stable is short of instances (docs/adr/0004). */
  readonly urgent: boolean;
  /** Changes of the database that cannot be made whole as they are; any other stays expanded, for the next try. */
  readonly takeBack?: readonly ChangeRef[];
}

/** Nothing that needs them runs any more. What came last goes first. */
export function schemaBack({ takeBack = [] }: BackRequest): Step[] {
  return takeBack.toReversed().map((change) => ({ kind: 'revert', change }));
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
