/**
 * Does memory grow for good? Collectors make memory go up and down, so its floors are looked at: the least in each
 * block of readings. Where it does not grow faster than a bound, the next floor is above the last one plus that bound
 * at most as often as not, which is tested on blocks of three lengths at once; the mean of their evidence is evidence.
 */
import { logSumExp } from './numeric.ts';
import { evidenceOfOftenWorse, NO_PAIRS, type Pairs, withPair } from './pairs.ts';

const HOUR_MS = 3_600_000;
/** Readings in a block of the first, second and third length. */
const LENGTHS = [6, 24, 96] as const;
/** Floors that the slope is computed from; past it, two become one. */
const FLOORS_MAX = 240;
/** Fewer say nothing about a slope. */
const FLOORS_MIN = 5;
/** Quantile of the normal distribution for an interval that holds 95 times in 100. */
const Z = 1.96;

interface Floor {
  readonly atMs: number;
  readonly bytes: number;
}

interface Blocks {
  readonly length: number;
  readings: number;
  low: Floor | null;
  last: Floor | null;
  pairs: Pairs;
}

/** Bytes per hour; the interval is for people, not valid at every look. */
export interface Slope {
  readonly perHour: number;
  readonly from: number;
  readonly to: number;
}

/** Blocks that were not whole, and the floors before them, are left out: they would have a hole. */
export interface GrowthGathered {
  /** Of each length of a block. */
  readonly pairs: readonly Pairs[];
  /** For people: how long before they were. */
  readonly floors: readonly { readonly agoMs: number; readonly bytes: number }[];
}

export class MemoryGrowth {
  readonly #boundPerHour: number;
  readonly #scales: Blocks[] = LENGTHS.map((length) => ({
    ...{ length, readings: 0, low: null, last: null },
    pairs: NO_PAIRS,
  }));
  #floors: Floor[] = [];
  /** Of these floors; undefined: not computed yet. */
  #slope: Slope | null | undefined;

  /** `boundPerHour`: bytes that are tolerated. `before`: what an earlier control gathered. */
  constructor(boundPerHour: number, before: GrowthGathered | null = null, atMs = 0) {
    this.#boundPerHour = boundPerHour;
    for (const [index, blocks] of this.#scales.entries()) blocks.pairs = before?.pairs[index] ?? NO_PAIRS;
    this.#floors = (before?.floors ?? []).map(({ agoMs, bytes }) => ({ atMs: atMs - agoMs, bytes }));
  }

  gathered(atMs: number): GrowthGathered {
    return {
      pairs: this.#scales.map(({ pairs }) => pairs),
      floors: this.#floors.map((floor) => ({ agoMs: atMs - floor.atMs, bytes: floor.bytes })),
    };
  }

  take(atMs: number, bytes: number): void {
    for (const blocks of this.#scales) this.#takeInto(blocks, { atMs, bytes });
  }

  #takeInto(blocks: Blocks, reading: Floor): void {
    if (!blocks.low || reading.bytes < blocks.low.bytes) blocks.low = reading;
    blocks.readings += 1;
    if (blocks.readings < blocks.length) return;
    const { low, last } = blocks;
    if (last) {
      const tolerated = (this.#boundPerHour * (low.atMs - last.atMs)) / HOUR_MS;
      blocks.pairs = withPair(blocks.pairs, low.bytes - last.bytes > tolerated);
    }
    if (blocks.length === LENGTHS[0]) this.#keep(low);
    Object.assign(blocks, { readings: 0, low: null, last: low });
  }

  #keep(floor: Floor): void {
    this.#floors.push(floor);
    this.#slope = undefined;
    if (this.#floors.length < FLOORS_MAX) return;
    const lower = (a: Floor, b: Floor | undefined) => (b && b.bytes < a.bytes ? b : a);
    this.#floors = this.#floors.flatMap((each, i, all) => (i % 2 === 0 ? [lower(each, all[i + 1])] : []));
  }

  /** log of the evidence against "it grows by at most the bound". */
  get evidence(): number {
    const each = this.#scales.map(({ pairs }) => evidenceOfOftenWorse(pairs));
    return logSumExp(each) - Math.log(each.length);
  }

  /** Null: too few floors. */
  get slope(): Slope | null {
    this.#slope ??= slopeOf(this.#floors);
    return this.#slope;
  }
}

/** Theil and Sen's median of all slopes between two floors, with Kendall's interval; null: too few floors. */
function slopeOf(floors: readonly Floor[]): Slope | null {
  const n = floors.length;
  if (n < FLOORS_MIN) return null;
  const slopes = floors
    .flatMap((a, i) =>
      floors.slice(i + 1).map((b) => ((b.bytes - a.bytes) / Math.max(1, b.atMs - a.atMs)) * HOUR_MS),
    )
    .toSorted((a, b) => a - b);
  const spread = Z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const at = (index: number) => slopes[Math.min(slopes.length - 1, Math.max(0, Math.round(index)))] ?? 0;
  const { length } = slopes;
  return {
    perHour: at((length - 1) / 2),
    from: at((length - spread) / 2),
    to: at((length + spread) / 2),
  };
}
