/**
 * Readings of both sides taken at the same moments, of which only the order is believed: was the candidate's worse
 * than tolerated, or not? If stable and candidate are alike, that is a coin which lands on "worse" at most half of
 * the time, whatever the values are distributed like, so the evidence is the one for a coin's bias (`rate.ts`), and
 * may be looked at after every pair. It holds as long as each pair is new: one that shares what it saw with the pair
 * before says nothing more.
 */
import { evidenceOfAbove, evidenceOfBelow } from './rate.ts';

export interface Pairs {
  /** In which the candidate was worse than tolerated. */
  readonly worse: number;
  readonly all: number;
}

export const NO_PAIRS: Pairs = { worse: 0, all: 0 };

export const withPair = ({ worse, all }: Pairs, isWorse: boolean): Pairs => ({
  worse: worse + (isWorse ? 1 : 0),
  all: all + 1,
});

const EVEN = 0.5;

/** log of the evidence against "given all before, the next one is worse at most as likely as not". */
export function evidenceOfOftenWorse({ worse, all }: Pairs): number {
  return evidenceOfAbove({ bad: worse, requests: all }, EVEN);
}

/** log of the evidence against "given all before, the next one is worse at least as likely as not". */
export function evidenceOfSeldomWorse({ worse, all }: Pairs): number {
  return evidenceOfBelow({ bad: worse, requests: all }, EVEN);
}
