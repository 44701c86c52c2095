import type { Service } from '../project.ts';
import { type Facts, instanceId } from '../release/facts.ts';
import type { InstanceRef, Step } from '../release/step.ts';
import type { Rotation, RotationSplit } from '../traffic/rotation.ts';

/** A strategy is a pure function from what is and what is wanted to the steps between them. */
export type Strategy = (request: StrategyRequest) => Step[];

export interface StrategyRequest {
  readonly facts: Facts;
  readonly release: string;
  readonly to: string;
  /** The service as the new version wants it. */
  readonly service: Service;
}

/** The new instances, numbered on from what this release already has. */
export function candidatesOf({ facts, release, to, service }: StrategyRequest): InstanceRef[] {
  return Array.from({ length: service.instances }, (_, i) => ({
    id: instanceId(service.name, release, facts.nextInstance + i),
    version: to,
  }));
}

/** Those that leave, the unready ones first: they are missed least. */
export function leavers(facts: Facts): InstanceRef[] {
  return facts.running
    .toSorted((a, b) => Number(a.ready) - Number(b.ready))
    .map(({ id, version }) => ({ id, version }));
}

export function rotationOf(
  instances: readonly InstanceRef[],
  draining: readonly InstanceRef[] = [],
  split: RotationSplit | null = null,
): Rotation {
  return { instances: idsOf(instances), split, draining: idsOf(draining) };
}

export const idsOf = (instances: readonly InstanceRef[]): string[] => instances.map(({ id }) => id);

export function smokeStep(
  { service }: StrategyRequest,
  when: 'before' | 'after' | 'at-work',
  instances: readonly InstanceRef[],
): Step[] {
  return service.smoke.length > 0 ? [{ kind: 'smoke', when, instances }] : [];
}

export function watchStep(
  kind: 'preview' | 'hold' | 'bake',
  forMs: number,
  instances: readonly InstanceRef[],
): Step[] {
  return forMs > 0 ? [{ kind, forMs, instances }] : [];
}
