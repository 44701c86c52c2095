/**
 * Kayenta's classifier: the confidence interval of the Hodges-Lehmann shift between canary and baseline (R's
 * wilcox.test, normal approximation with continuity correction); High when its lower end is above `TOLERANCE` times
 * the size of the shift, and the ratio of means is at least 1 (which it is said to be when the baseline's mean is 0).
 */
const TOLERANCE = 0.25;
/** Of the standard normal at (1 + 0.98) / 2. */
const QUANTILE = 2.326347874;

export function highByMannWhitney(canary: readonly number[], baseline: readonly number[]): boolean {
  if (isSame(canary, baseline)) return false;
  const differences = Float64Array.from(canary.flatMap((one) => baseline.map((other) => one - other))).sort();
  const sigma = Math.sqrt((canary.length * baseline.length * (canary.length + baseline.length + 1)) / 12);
  const below = Math.floor(differences.length / 2 - QUANTILE * sigma - 0.5);
  const low = differences[Math.max(0, below)] ?? 0;
  const shift = medianOf(differences);
  const isLarger = mean(baseline) === 0 || mean(canary) >= mean(baseline);
  return low > TOLERANCE * Math.abs(shift) && isLarger;
}

/** It does not look further at equal data, in whatever order. */
function isSame(canary: readonly number[], baseline: readonly number[]): boolean {
  const other = baseline.toSorted((a, b) => a - b);
  return canary.toSorted((a, b) => a - b).every((value, i) => value === other[i]);
}

function medianOf(sorted: Float64Array): number {
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle) - 1] ?? 0)) / 2;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
