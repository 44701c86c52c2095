/** The requests of a release that share a weight: what may be compared with what (T5). */
import type { Assignment } from '../traffic/counts.ts';
import { SLOTS } from '../traffic/slots.ts';
import type { Group } from '../traffic/split.ts';
import { addSides, NOBODY } from './grown.ts';
import type { Observation, Side } from './observed.ts';

/** Percents of the candidate and of the baseline beside it; stable has the rest. */
export interface Weights {
  readonly candidate: number;
  readonly baseline: number;
}

export interface Cell extends Weights {
  /** Null: the weights decided. Else `candidate` is what the rule gives it. */
  readonly rule: string | null;
  readonly sides: Readonly<Record<Group, Side>>;
}

const EMPTY: Cell['sides'] = { candidate: NOBODY, stable: NOBODY, baseline: NOBODY };

/** Whose a row is, and under which weight; null: no part of what this release may be judged by. */
export interface Place extends Weights {
  readonly rule: string | null;
  readonly group: Group;
}

/**
 * `weights`: those of all stages so far, the newest last. A row says its own percent only, which may be that of
 * several stages: it is the newest one's that has it.
 */
export function placeOf(
  row: Assignment,
  versions: { readonly from: string | null; readonly to: string },
  weights: readonly Weights[],
): Place | null {
  const { version, group, percent, rule } = row;
  if (group === null || percent === null)
    return version === versions.to ? { candidate: SLOTS, baseline: 0, rule: null, group: 'candidate' } : null;
  if (version !== (group === 'candidate' ? versions.to : versions.from)) return null;
  if (rule !== null) {
    const candidate = group === 'candidate' ? percent : SLOTS - percent;
    return { candidate, baseline: 0, rule, group };
  }
  const found = weights.findLast((each) => percentOf(each, group) === percent);
  return found ? { ...found, rule, group } : null;
}

function percentOf({ candidate, baseline }: Weights, group: Group): number {
  if (group === 'candidate') return candidate;
  return group === 'baseline' ? baseline : SLOTS - candidate - baseline;
}

export const cellKey = ({ rule, candidate, baseline }: Omit<Place, 'group'>) =>
  `${candidate} ${baseline} ${rule ?? ''}`;

export function grownCell(cell: Cell | undefined, place: Place, grown: Side): Cell {
  const { group, candidate, baseline, rule } = place;
  const sides = cell?.sides ?? EMPTY;
  return { candidate, baseline, rule, sides: { ...sides, [group]: addSides(sides[group], grown) } };
}

/** Where a baseline runs, it is what the candidate is compared with: as old, and with as much to do. */
export function observationOf({ candidate, baseline, rule, sides }: Cell): Observation {
  if (baseline === 0 || rule !== null)
    return { share: candidate / SLOTS, rule, candidate: sides.candidate, stable: sides.stable };
  const share = candidate / (candidate + baseline);
  return { share, rule, candidate: sides.candidate, stable: sides.baseline };
}
