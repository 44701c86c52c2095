/**
 * How far a flag is raised: the share of those who ask that may get another variant than its lowest one. What a rule
 * decides by cannot be known beforehand, so a rule counts as the most that any of its branches gives.
 */
import type { FlagDefinition } from './definition.ts';
import { givesVariants } from './fallthrough.ts';
import { isJsonList, isJsonObject, type Json } from './json.ts';
import { type Override, variantFor } from './override.ts';

/** The variant that everybody gets while it is lowered; null: the default in the code. `file`: as its file says it. */
export function lowestOf(definition: FlagDefinition, file: FlagDefinition | null): string | null {
  return variantFor(definition, 'off') ?? file?.defaultVariant ?? null;
}

export function raisedPercent(definition: FlagDefinition, lowest: string | null): number {
  const counts = (variant: string | null) => variant !== null && variant !== lowest;
  return mostOf(definition, { counts, keyless: true });
}

/** So many surely get this variant, of those who have a targeting key. */
export function surePercent(definition: FlagDefinition, wanted: string): number {
  return 100 - mostOf(definition, { counts: (variant) => variant !== wanted, keyless: false });
}

interface Counting {
  readonly counts: (variant: string | null) => boolean;
  /** Whoever has no targeting key, too. */
  readonly keyless: boolean;
}

function mostOf({ state, targeting, defaultVariant }: FlagDefinition, counting: Counting): number {
  const { counts } = counting;
  const otherwise = counts(defaultVariant) ? 100 : 0;
  if (state === 'DISABLED') return counts(null) ? 100 : 0;
  return targeting === null ? otherwise : mostOfRule(targeting, counting, otherwise);
}

function mostOfRule(rule: Json | undefined, counting: Counting, otherwise: number): number {
  if (rule === null || rule === undefined) return otherwise;
  if (typeof rule !== 'object') return counting.counts(String(rule)) ? 100 : 0;
  if (!isJsonObject(rule)) return 100;
  const [[operator, given] = ['', null]] = Object.entries(rule);
  const parts = isJsonList(given) ? given : [given];
  if (operator === 'fractional') return mostOfShares(parts, counting, otherwise);
  // As a roll-out leaves it: whom one of them gives nothing gets what the next one gives.
  if (operator === 'or' && parts.every(givesVariants))
    return parts.reduceRight<number>((next, part) => mostOfRule(part, counting, next), otherwise);
  if (operator !== 'if' && operator !== '?:') return 100;
  const branches = parts.filter((_, at) => at % 2 === 1 || at === parts.length - 1);
  const ends = parts.length % 2 === 0 ? [otherwise] : [];
  return Math.max(0, ...branches.map((branch) => mostOfRule(branch, counting, otherwise)), ...ends);
}

/** Whoever has no targeting key gets the default; a key that is the same for everybody puts them into one bucket. */
function mostOfShares(parts: readonly Json[], { counts, keyless }: Counting, otherwise: number): number {
  const buckets = parts.filter((part, at) => at > 0 || isJsonList(part));
  const alike = parts.length > 0 && typeof parts[0] !== 'object';
  let sum = 0;
  let total = 0;
  for (const bucket of buckets) {
    const [variant = null, weight = 1] = isJsonList(bucket) ? bucket : [];
    if ((variant !== null && typeof variant === 'object') || typeof weight !== 'number') return 100;
    const part = Math.max(0, weight);
    total += part;
    if (variant === null ? otherwise > 0 : counts(String(variant))) sum += part;
  }
  if (alike && sum > 0) return 100;
  const share = total === 0 ? otherwise : Math.ceil((100 * sum) / total - 1e-9);
  return keyless ? Math.max(share, otherwise) : share;
}

/** Everybody gets the lowest. */
export function lowered(lowest: string | null): Override {
  return lowest === null ? { type: 'disabled' } : { type: 'fixed', variant: lowest };
}

/**
 * So many get the variant, everybody else the lowest, whoever has no targeting key included. Null: it has no lowest
 * one to share with.
 */
export function raisedTo(
  definition: FlagDefinition,
  variant: string,
  percent: number,
  lowest: string | null,
): Override | null {
  if (percent >= 100) return { type: 'fixed', variant };
  if (lowest === null || lowest === variant) return null;
  const shares = [
    { variant, weight: percent },
    { variant: lowest, weight: 100 - percent },
  ];
  if (definition.defaultVariant === lowest) return { type: 'shares', shares };
  const fractional = shares.map((share) => [share.variant, share.weight]);
  return {
    type: 'definition',
    definition: { ...definition, state: 'ENABLED', defaultVariant: lowest, targeting: { fractional } },
  };
}
