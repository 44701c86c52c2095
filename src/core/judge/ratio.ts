/**
 * Is the candidate's rate of bad requests higher than so many times stable's? Conditional on a request being bad,
 * the side that made it is a coin whose bias depends on the ratio of the two rates only: what both sides share
 * (drift, bursts, the time of day) cancels (Lindon & Malek, NeurIPS 2022, arXiv 2011.03567).
 *
 * For a bad request assigned to the candidate with probability w, and delta the logarithm of the ratio of rates:
 * P(the candidate made it) = theta(delta) = w e^delta / (w e^delta + 1 - w). The product of likelihood ratios
 * against delta0, mixed over a grid of deltas above it, is an e-process for "delta <= delta0": it may be looked
 * at after every request, and reaches 1/alpha with probability at most alpha if that is true.
 *
 * It depends on counts only, so it is computed from counts, however often the weight changed.
 */
import type { Frequency } from './frequency.ts';
import { logSumExp } from './numeric.ts';

/** Bad requests of both sides while the candidate's share of new requests was `share`. */
export interface BadRequests {
  /** The probability with which a request was given to the candidate, between 0 and 1. */
  readonly share: number;
  readonly candidate: number;
  readonly stable: number;
}

interface GridPoint {
  /** Distance of the logarithm of the ratio from the one that is tested. */
  readonly distance: number;
  readonly logWeight: number;
}

/** Ratios above the tolerated one that are looked for, and how much is staked on each; the stakes sum to 1. */
const WORSE: Readonly<Record<Frequency, readonly GridPoint[]>> = {
  rare: gridOf([
    [1.3, 0.1],
    [1.7, 0.14],
    [2.2, 0.16],
    [4, 0.12],
    [8, 0.14],
    [20, 0.12],
    [60, 0.1],
    [1000, 0.12],
  ]),
  common: gridOf([
    [1.08, 0.2],
    [1.2, 0.25],
    [1.5, 0.25],
    [2.2, 0.15],
    [5, 0.1],
    [15, 0.05],
  ]),
};

/** The same below it. A candidate can hardly be proven a hundred times better, and need not be. */
const BETTER: readonly GridPoint[] = gridOf([
  [1 / 1.15, 0.2],
  [1 / 1.4, 0.3],
  [1 / 2, 0.25],
  [1 / 4, 0.15],
  [1 / 20, 0.1],
]);

function gridOf(points: readonly (readonly [ratio: number, weight: number])[]): GridPoint[] {
  return points.map(([ratio, weight]) => ({ distance: Math.log(ratio), logWeight: Math.log(weight) }));
}

/** log of the evidence against "the candidate's rate is at most `tolerance` times stable's". */
export function evidenceOfWorse(
  rows: readonly BadRequests[],
  tolerance: number,
  frequency: Frequency = 'rare',
): number {
  return mixture(rows, Math.log(tolerance), WORSE[frequency]);
}

/** log of the evidence against "the candidate's rate is at least `tolerance` times stable's". */
export function evidenceOfBetter(rows: readonly BadRequests[], tolerance: number): number {
  return mixture(rows, Math.log(tolerance), BETTER);
}

/**
 * The ratios of rates that the counts do not speak against, valid at every look: those that neither mixture
 * rejects at alpha/2 each.
 */
export function ratioInterval(
  rows: readonly BadRequests[],
  alpha: number,
  frequency: Frequency = 'rare',
): { readonly from: number; readonly to: number } {
  const limit = Math.log(2 / alpha);
  // Each mixture's evidence falls, or rises, with the ratio that it is against.
  const from = turningPointOf((delta) => mixture(rows, delta, WORSE[frequency]) < limit);
  const to = turningPointOf((delta) => mixture(rows, delta, BETTER) >= limit);
  return { from: Math.exp(from), to: Math.exp(to) };
}

const DELTA_MAX = Math.log(1e6);

/** Outside the range that is looked at, the interval is open. */
function turningPointOf(isAbove: (delta: number) => boolean): number {
  if (isAbove(-DELTA_MAX)) return -Infinity;
  if (!isAbove(DELTA_MAX)) return Infinity;
  let low = -DELTA_MAX;
  let high = DELTA_MAX;
  while (high - low > 1e-6) {
    const middle = (low + high) / 2;
    if (isAbove(middle)) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}

function mixture(rows: readonly BadRequests[], delta0: number, grid: readonly GridPoint[]): number {
  return logSumExp(
    grid.map(({ distance, logWeight }) => logWeight + logLikelihoodRatio(rows, delta0 + distance, delta0)),
  );
}

/** Of `delta` against `delta0`: x delta - n log(w e^delta + 1 - w), and the same less for delta0. */
function logLikelihoodRatio(rows: readonly BadRequests[], delta: number, delta0: number): number {
  let sum = 0;
  for (const { share, candidate, stable } of rows) {
    const bad = candidate + stable;
    sum += candidate * (delta - delta0) - bad * (logNorm(share, delta) - logNorm(share, delta0));
  }
  return sum;
}

/** log(w e^delta + 1 - w), exact for small w. */
function logNorm(share: number, delta: number): number {
  return Math.log1p(share * Math.expm1(delta));
}
