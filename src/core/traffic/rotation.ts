/** What a release step asks for: which instances belong to traffic, whether or not they are ready now. */
import type { Rule } from './rule.ts';
import type { ShadowShare } from './shadow.ts';
import type { Group } from './split.ts';

export interface Rotation {
  /** The stable group: they get everything that no split gives away. Empty: requests are held (R1). */
  readonly instances: readonly string[];
  /** Null: there is nobody else. */
  readonly split: RotationSplit | null;
  readonly draining: readonly string[];
}

export interface RotationSplit {
  readonly candidate: RotationShare;
  /** New instances of the stable version, as old as the candidate's, for a fair comparison. */
  readonly baseline: RotationShare;
  /** Copies for the candidate, whose answers nobody gets; null: none. */
  readonly shadow: ShadowShare | null;
  /** Of requests that meet the candidate, or part of them, whatever its percent. The first that matches decides. */
  readonly rules: readonly Rule[];
}

export interface RotationShare {
  readonly instances: readonly string[];
  /** Whole, of the requests that no rule decides. */
  readonly percent: number;
}

export const EMPTY_ROTATION: Rotation = { instances: [], split: null, draining: [] };
export const NO_SHARE: RotationShare = { instances: [], percent: 0 };

/** All that may get a new request. */
export function routedTo({ instances, split }: Rotation): string[] {
  return [...instances, ...(split?.candidate.instances ?? []), ...(split?.baseline.instances ?? [])];
}

/** Null: it gets no new request. */
export function groupOf({ instances, split }: Rotation, id: string): Group | null {
  if (instances.includes(id)) return 'stable';
  if (split?.candidate.instances.includes(id)) return 'candidate';
  return split?.baseline.instances.includes(id) ? 'baseline' : null;
}
