/**
 * Kayenta's classifier: the confidence interval of the Hodges-Lehmann shift between canary and baseline (R's
 * wilcox.test, normal approximation with ties and continuity correction); High when its lower end is above
 * `TOLERANCE` times the size of the shift, and the ratio of means is at least 1.
 */
const TOLERANCE = 0.25;
/** Of the standard normal at (1 + 0.98) / 2. */
const QUANTILE = 2.326347874;

export function highByMannWhitney(canary: readonly number[], baseline: readonly number[]): boolean {
  if (canary.every((value, i) => value === baseline[i])) return false;
  const differences = canary.flatMap((one) => baseline.map((other) => one - other)).toSorted((a, b) => a - b);
  const sigma = Math.sqrt((canary.length * baseline.length * (canary.length + baseline.length + 1)) / 12);
  const below = Math.floor(differences.length / 2 - QUANTILE * sigma - 0.5);
  const low = differences[Math.max(0, below)] ?? 0;
  const shift = medianOf(differences);
  return low > TOLERANCE * Math.abs(shift) && mean(canary) >= mean(baseline);
}

function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle) - 1] ?? 0)) / 2;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
