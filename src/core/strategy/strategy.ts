import type { Service } from '../project.ts';
import { type Facts, instanceId } from '../release/facts.ts';
import type { InstanceRef, Step } from '../release/step.ts';
import type { Rotation } from '../traffic/routing.ts';

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
  preview: readonly InstanceRef[] = [],
): Rotation {
  const ids = (list: readonly InstanceRef[]) => list.map((i) => i.id);
  return { instances: ids(instances), draining: ids(draining), preview: ids(preview) };
}

export function smokeStep(
  { service }: StrategyRequest,
  when: 'before' | 'after',
  instances: readonly InstanceRef[],
): Step[] {
  return service.smoke.length > 0 ? [{ kind: 'smoke', when, instances }] : [];
}

export function watchStep(
  kind: 'preview' | 'bake',
  forMs: number,
  instances: readonly InstanceRef[],
): Step[] {
  return forMs > 0 ? [{ kind, forMs, instances }] : [];
}
