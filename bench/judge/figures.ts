/** Shares and quantiles with what chance leaves open: 95% intervals from the binomial distribution. */

const Z = 1.96;

export interface Interval {
  readonly from: number;
  /** `Infinity`: never. */
  readonly to: number;
}

/** Wilson's, of `count` in `all`. */
export function shareInterval(count: number, all: number): Interval {
  const share = count / all;
  const centre = share + Z ** 2 / (2 * all);
  const spread = Z * Math.sqrt((share * (1 - share)) / all + Z ** 2 / (4 * all ** 2));
  const scale = 1 + Z ** 2 / all;
  return { from: Math.max(0, (centre - spread) / scale), to: Math.min(1, (centre + spread) / scale) };
}

export interface Quantile {
  readonly value: number;
  readonly interval: Interval;
}

/** Of `all` values, of which those that are not there are larger than the others; null: the quantile is not there. */
export function quantileOf(values: readonly number[], part: number, all: number): Quantile | null {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (rank: number) => sorted[Math.max(1, Math.min(all, rank)) - 1];
  const value = at(Math.ceil(part * all));
  if (value === undefined) return null;
  const spread = Z * Math.sqrt(all * part * (1 - part));
  const from = at(Math.floor(part * all - spread)) ?? value;
  return { value, interval: { from, to: at(Math.ceil(part * all + spread)) ?? Infinity } };
}
