/** Logarithms of sums and of the gamma function: evidence is kept as logarithms, so that 10^8 requests do not overflow it. */

/** log of the sum of e^v; minus infinity for none. */
export function logSumExp(values: readonly number[]): number {
  const max = Math.max(...values);
  if (!Number.isFinite(max)) return max;
  let sum = 0;
  for (const value of values) sum += Math.exp(value - max);
  return max + Math.log(sum);
}

const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
];

/** For x > 0; Lanczos' approximation (g = 7, n = 9), good to about 14 digits. */
export function logGamma(x: number): number {
  const z = x - 1;
  let sum = 0.9999999999998099;
  for (const [i, coefficient] of LANCZOS.entries()) sum += coefficient / (z + i + 1);
  const t = z + LANCZOS.length - 0.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

export function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** k log(p), which is 0 for k = 0 even where p is 0. */
export function timesLog(k: number, p: number): number {
  return k === 0 ? 0 : k * Math.log(p);
}

/** Where a function that is false below and true above some point turns, to 2^-60 of the range. */
export function turningPoint(low: number, high: number, isAbove: (x: number) => boolean): number {
  let from = low;
  let to = high;
  for (let i = 0; i < 60; i += 1) {
    const middle = (from + to) / 2;
    if (isAbove(middle)) to = middle;
    else from = middle;
  }
  return (from + to) / 2;
}
