/**
 * Does the split that was seen agree with the one that was asked for (R3)? Each assignment is a coin with a
 * known bias; the likelihood of the counts under a beta prior around it, against the coin itself, is an e-process.
 * It counts decisions: with sticky traffic those are sessions, not requests.
 */
import { logBeta, timesLog } from './numeric.ts';

/** What was assigned to each side while the candidate's share was `share`, strictly between 0 and 1. */
export interface Assigned {
  readonly share: number;
  readonly candidate: number;
  readonly stable: number;
}

/** How far from the intended split is looked first: as far as so many assignments would leave it unclear. */
const PRIOR_ASSIGNMENTS = 50;

/** log of the evidence against "assignments follow the shares". */
export function evidenceOfMismatch(rows: readonly Assigned[]): number {
  let sum = 0;
  for (const { share, candidate, stable } of rows) {
    const a = PRIOR_ASSIGNMENTS * share;
    const b = PRIOR_ASSIGNMENTS * (1 - share);
    const mixed = logBeta(candidate + a, stable + b) - logBeta(a, b);
    sum += mixed - timesLog(candidate, share) - timesLog(stable, 1 - share);
  }
  return sum;
}
