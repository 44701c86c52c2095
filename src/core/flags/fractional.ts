/** Sharing out by a hash, exactly as flagd does it: `(hash * total) >> 32` over whole weights. */
import { murmur3 } from './murmur.ts';

/** Of all weights together: the largest that a signed number of 32 bits holds. */
export const WEIGHT_MAX = 2_147_483_647;

export interface Buckets {
  readonly variants: readonly (string | number | boolean | null)[];
  /** Sums of the weights so far: a bucket ends where its number says. */
  readonly ends: readonly number[];
  readonly total: number;
}

/** Null: these are no buckets. */
export function bucketsOf(entries: readonly unknown[]): Buckets | null {
  const variants: (string | number | boolean | null)[] = [];
  const ends: number[] = [];
  let total = 0;
  for (const entry of entries) {
    if (!Array.isArray(entry) || entry.length === 0 || entry.length > 2) return null;
    const variant: unknown = entry[0] ?? null;
    const weight: unknown = entry.length === 2 ? entry[1] : 1;
    if (variant !== null && typeof variant === 'object') return null;
    if (
      typeof variant !== 'string' &&
      typeof variant !== 'number' &&
      typeof variant !== 'boolean' &&
      variant !== null
    )
      return null;
    if (typeof weight !== 'number' || !Number.isInteger(weight)) return null;
    total += Math.max(0, weight);
    variants.push(variant);
    ends.push(total);
  }
  return total > WEIGHT_MAX ? null : { variants, ends, total };
}

export function chosen({ variants, ends, total }: Buckets, by: string): string | number | boolean | null {
  const hash = murmur3(by);
  // In two halves: the product has up to 63 bits, and a number holds 53 exactly.
  const low = (hash & 0xffff) * total;
  const place = Math.floor(((hash >>> 16) * total + Math.floor(low / 65_536)) / 65_536);
  for (let at = 0; at < ends.length; at += 1) if ((ends[at] ?? 0) > place) return variants[at] ?? null;
  return null;
}
