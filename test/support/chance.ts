/** A small generator of numbers (mulberry32): a seed names everything that a run does. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(limit: number): number {
    return this.#next() % limit;
  }

  /** Between 0 and 1, without 1. */
  unit(): number {
    return this.#next() / 0x1_0000_0000;
  }

  /** The number of tries up to and with the first hit, each of which has this probability. */
  triesUntil(probability: number): number {
    return probability >= 1 ? 1 : Math.floor(Math.log1p(-this.unit()) / Math.log1p(-probability)) + 1;
  }

  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(from: readonly T[], fallback: T): T {
    return from[this.below(from.length)] ?? fallback;
  }
}
