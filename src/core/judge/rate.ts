/**
 * One side's rate of bad requests against a bound that is known beforehand: a ceiling that the user set, what is
 * negligible, or stable's recorded past. Likelihood ratios of coins against the bound, mixed over a grid; an
 * e-process for every rate on the other side of it.
 */
import type { Frequency } from './frequency.ts';
import { logBeta, logSumExp, timesLog, turningPoint } from './numeric.ts';

export interface Rate {
  readonly bad: number;
  readonly requests: number;
}

interface GridPoint {
  readonly oddsRatio: number;
  readonly logWeight: number;
}

const ABOVE: Readonly<Record<Frequency, readonly GridPoint[]>> = {
  rare: gridOf([
    [2, 0.2],
    [5, 0.2],
    [11, 0.2],
    [50, 0.3],
    [1000, 0.1],
  ]),
  common: gridOf([
    [1.15, 0.2],
    [1.4, 0.25],
    [2, 0.25],
    [4, 0.2],
    [20, 0.1],
  ]),
};

const BELOW: readonly GridPoint[] = gridOf([
  [1 / 1.5, 0.2],
  [1 / 3, 0.3],
  [1 / 20, 0.5],
]);

function gridOf(points: readonly (readonly [oddsRatio: number, weight: number])[]): GridPoint[] {
  return points.map(([oddsRatio, weight]) => ({ oddsRatio, logWeight: Math.log(weight) }));
}

/** log of the evidence against "the rate is at most `bound`". */
export function evidenceOfAbove(rate: Rate, bound: number, frequency: Frequency = 'rare'): number {
  return mixture(rate, bound, ABOVE[frequency]);
}

/** log of the evidence against "the rate is at least `bound`". */
export function evidenceOfBelow(rate: Rate, bound: number): number {
  return mixture(rate, bound, BELOW);
}

/**
 * What one more request adds to `evidenceOfBelow` in the long run, when the true rate is `truth`: the largest
 * drift of all grid points. At most 0: it will never be shown.
 */
export function driftBelow(truth: number, bound: number): number {
  return Math.max(...BELOW.map(({ oddsRatio }) => driftOf(truth, bound, withOdds(bound, oddsRatio))));
}

/**
 * Wald's bound: the mean number of requests that any test needs to find the rate `truth` when the tolerated one
 * is known, at false alarms of `alpha`.
 */
export function waldBound(truth: number, bound: number, alpha: number): number {
  return Math.log(1 / alpha) / driftOf(truth, bound, truth);
}

/**
 * Rates that the counts do not speak against, valid at every look: the beta-binomial mixture (Robbins 1970;
 * Howard, Ramdas, McAuliffe & Sekhon 2021, s. 3.1), with a Jeffreys prior.
 */
export function rateInterval(rate: Rate, alpha: number): { readonly from: number; readonly to: number } {
  const { bad, requests } = rate;
  if (requests === 0) return { from: 0, to: 1 };
  const good = requests - bad;
  const rejects = rejectionBy(rate, alpha);
  const seen = bad / requests;
  return {
    from: bad === 0 ? 0 : turningPoint(0, seen, (p) => !rejects(p)),
    to: good === 0 ? 1 : turningPoint(seen, 1, rejects),
  };
}

/** On which side of `p` the rate is shown to be, as by `rateInterval`; null: neither. */
export function sideOfRate(rate: Rate, p: number, alpha: number): 'below' | 'above' | null {
  const { bad, requests } = rate;
  if (requests === 0 || !rejectionBy(rate, alpha)(p)) return null;
  return bad / requests < p ? 'below' : 'above';
}

function rejectionBy({ bad, requests }: Rate, alpha: number): (p: number) => boolean {
  const good = requests - bad;
  const mixed = logBeta(bad + 0.5, good + 0.5) - logBeta(0.5, 0.5);
  const limit = Math.log(1 / alpha);
  return (p) => mixed - timesLog(bad, p) - timesLog(good, 1 - p) >= limit;
}

function mixture({ bad, requests }: Rate, bound: number, grid: readonly GridPoint[]): number {
  return logSumExp(
    grid.map(({ oddsRatio, logWeight }) => {
      const other = withOdds(bound, oddsRatio);
      const perBad = Math.log(other / bound);
      const perGood = Math.log1p(-other) - Math.log1p(-bound);
      return logWeight + bad * perBad + (requests - bad) * perGood;
    }),
  );
}

function driftOf(truth: number, bound: number, other: number): number {
  const good = Math.log1p(-other) - Math.log1p(-bound);
  return timesLog(truth, other) - timesLog(truth, bound) + (truth === 1 ? 0 : (1 - truth) * good);
}

/** Stays between 0 and 1 however large the ratio. */
function withOdds(rate: number, oddsRatio: number): number {
  return (rate * oddsRatio) / (1 - rate + rate * oddsRatio);
}
