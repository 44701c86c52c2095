/** Numbers by chance, from the seeded generator. */
import type { Chance } from '../../test/support/chance.ts';

const LARGE_MEAN = 200;

/** By multiplication for small means, by the normal approximation for large ones. */
export function poisson(chance: Chance, mean: number): number {
  if (mean > LARGE_MEAN) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(chance)));
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = chance.unit(); product > limit; product *= chance.unit()) count += 1;
  return count;
}

/** How many of `count` are drawn when each is with this probability. */
export function thinned(chance: Chance, count: number, probability: number): number {
  if (probability === 1) return count;
  if (count > LARGE_MEAN * 5) {
    const drawn = count * probability + Math.sqrt(count * probability * (1 - probability)) * normal(chance);
    return Math.min(count, Math.max(0, Math.round(drawn)));
  }
  let drawn = 0;
  for (let i = 0; i < count; i += 1) if (chance.unit() < probability) drawn += 1;
  return drawn;
}

/** The `rank`-th smallest of `count` numbers between 0 and 1. */
export function orderStatistic(chance: Chance, rank: number, count: number): number {
  let smallest = 0;
  for (let i = 0; i < rank; i += 1)
    smallest += (1 - smallest) * (1 - (1 - chance.unit()) ** (1 / (count - i)));
  return smallest;
}

/** With this mean. */
export function exponential(chance: Chance, mean: number): number {
  return -mean * Math.log1p(-chance.unit());
}

/** Box and Muller. */
function normal(chance: Chance): number {
  return Math.sqrt(-2 * Math.log1p(-chance.unit())) * Math.cos(2 * Math.PI * chance.unit());
}
