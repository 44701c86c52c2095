/** How the requests of a service are shared out between versions, in whole percents. */
import { SLOTS } from './slots.ts';

/** `baseline`: as many new instances of the stable version as the candidate has, for a fair comparison. */
export type Group = 'stable' | 'candidate' | 'baseline';

export interface Share {
  readonly group: Group;
  readonly version: string;
  /** Whole; those of all shares of a split make 100. */
  readonly percent: number;
  /** Ids of ready instances; empty is allowed. */
  readonly backends: readonly string[];
}

/**
 * Whose slot it is. The candidate has the lowest ones and the baseline the highest, so that a share that grows keeps
 * every slot that it had: nobody who met the candidate is moved off it by more weight.
 */
export function groupAt(
  slot: number,
  percents: { readonly candidate: number; readonly baseline: number },
): Group {
  if (slot < percents.candidate) return 'candidate';
  return slot >= SLOTS - percents.baseline ? 'baseline' : 'stable';
}
