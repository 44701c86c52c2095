/** A guard asks one question of the counts, and can give the proof of its answer when that is wanted. */
import type { Observation } from './observed.ts';
import type { Evidence, Finding, Verdict } from './verdict.ts';

/** An answer; its proof costs more than the answer itself. */
export interface Asked {
  readonly verdict: Verdict;
  readonly same: Evidence | null;
  readonly tolerated: Finding['tolerated'];
  readonly explain: () => Finding;
}

export interface Seen {
  readonly release: readonly Observation[];
  readonly stage: readonly Observation[];
}

export type Guard = (seen: Seen) => Asked;
