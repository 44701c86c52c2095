/**
 * Slots from 0 to 99 in a fixed order: any hundred taken one after the other are all of them, so a share of so many
 * slots is exact over any window of a hundred requests, whenever the shares change. The stride is near the golden
 * section of 100 and has no divisor in common with it: neighbouring slots come far apart, so that what a share gets
 * is spread evenly.
 */
export const SLOTS = 100;
const STRIDE = 61;

export class Slots {
  #next: number;

  /** `start`: any whole number; where the order begins. */
  constructor(start: number) {
    this.#next = start % SLOTS;
  }

  take(): number {
    const slot = this.#next;
    this.#next = slot + STRIDE < SLOTS ? slot + STRIDE : slot + STRIDE - SLOTS;
    return slot;
  }
}

/**
 * Another order of the slots for each salt, one to one: what was exact stays exact, and it is not always the same
 * sessions that meet a new version first.
 */
export function shuffled(slot: number, salt: number): number {
  const factor = FACTORS[salt % FACTORS.length] ?? 1;
  return (slot * factor + (Math.floor(salt / FACTORS.length) % SLOTS)) % SLOTS;
}

/** What has no divisor in common with 100. */
const FACTORS = Array.from({ length: SLOTS }, (_, i) => i).filter((i) => i % 2 !== 0 && i % 5 !== 0);
