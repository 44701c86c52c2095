/** New instances are cold: they get a part of their requests at first, and more with time. */
import { leastLoaded } from './balance.ts';

/** What a new instance begins with, so that it warms up at all. */
const FIRST_PART = 0.1;

/** The part of its requests that an instance gets so long after it came: from a tenth, evenly up to all of them. */
export function warmth(ageMs: number, slowStartMs: number): number {
  if (ageMs >= slowStartMs) return 1;
  return FIRST_PART + (1 - FIRST_PART) * (Math.max(0, ageMs) / slowStartMs);
}

export interface Warming<T> {
  readonly loadOf: (candidate: T) => number;
  readonly warmthOf: (candidate: T) => number;
  /** True for exactly this part of the calls for a candidate. */
  readonly takesPart: (candidate: T, part: number) => boolean;
}

/**
 * Like `leastLoaded`, but whoever is found takes only the part that its warmth allows; the rest goes to the next one.
 * The warmest takes all that it is found for, so somebody always does, however new they all are.
 */
export function leastLoadedWarm<T>(
  candidates: readonly T[],
  { loadOf, warmthOf, takesPart }: Warming<T>,
  turn: number,
): T | undefined {
  const warmest = Math.max(...candidates.filter((one) => loadOf(one) < Infinity).map(warmthOf));
  let left = candidates;
  for (;;) {
    const best = leastLoaded(left, loadOf, turn);
    if (best === undefined || warmthOf(best) === warmest || takesPart(best, warmthOf(best) / warmest))
      return best;
    left = left.filter((candidate) => candidate !== best);
  }
}
