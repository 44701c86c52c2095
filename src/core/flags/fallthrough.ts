/**
 * Where a definition decides of those whom none of its rules matches, and what they get there. Only that is shared out
 * by a roll-out: rules stay as they are.
 */
import type { FlagDefinition } from './definition.ts';
import { bucketsOf } from './fractional.ts';
import { isJsonList, isJsonObject, type Json, textOf } from './json.ts';

export type Fallthrough =
  | { readonly type: 'variant'; readonly variant: string; readonly put: Put }
  /** By the flag's own hash, in this order. */
  | { readonly type: 'split'; readonly shares: readonly FallthroughShare[]; readonly put: Put }
  /** Nothing that could be shared out. */
  | { readonly type: 'none'; readonly why: string };

/** The definition with this in its place. */
type Put = (node: Json) => FlagDefinition;

export interface FallthroughShare {
  readonly variant: string;
  readonly weight: number;
}

const NO_VARIANT = 'whom no rule matches gets the default in the code, which is no variant';

export function fallthroughOf(definition: FlagDefinition): Fallthrough {
  const { state, targeting, defaultVariant } = definition;
  if (state === 'DISABLED') return { type: 'none', why: 'it is disabled' };
  // One variant for everybody is a default, since a rule is an object.
  const put: Put = (node) =>
    isJsonObject(node)
      ? { ...definition, targeting: node }
      : { ...definition, targeting: null, defaultVariant: textOf(node) };
  return targeting === null ? variantOf(defaultVariant, put) : below(targeting, put, defaultVariant);
}

function below(node: Json, put: Put, byDefault: string | null): Fallthrough {
  if (node === null) return variantOf(byDefault, put);
  if (!isJsonObject(node)) return isJsonList(node) ? unclear('a list') : variantOf(textOf(node), put);
  const [operator = ''] = Object.keys(node);
  const args = node[operator];
  if ((operator === 'if' || operator === '?:') && isJsonList(args)) {
    const otherwise = args.length % 2 === 1 ? args.at(-1) : undefined;
    if (otherwise !== undefined)
      return below(otherwise, (inside) => put({ [operator]: [...args.slice(0, -1), inside] }), byDefault);
    if (!givesVariants(node)) return unclear('a rule whose outcome is worked out');
    // Beside the rule and not in it: a short "if" works otherwise than one with an else.
    return variantOf(byDefault, (inside) => put({ or: [node, inside] }));
  }
  // As a roll-out leaves it: rules, and what everybody else gets.
  if (operator === 'or' && isJsonList(args) && args.length === 2 && isRule(args[0])) {
    const [rule = null, otherwise = null] = args;
    return below(otherwise, (inside) => put({ or: [rule, inside] }), byDefault);
  }
  if (operator !== 'fractional' || !isJsonList(args)) return unclear(`"${operator}"`);
  return splitOf(args, put);
}

function splitOf(args: readonly Json[], put: Put): Fallthrough {
  if (!isJsonList(args[0])) return unclear('shares by a key of their own');
  const buckets = bucketsOf(args);
  if (buckets === null) return unclear('shares that are worked out');
  const shares = buckets.variants.map((variant, i) => ({
    variant: textOf(variant),
    weight: (buckets.ends[i] ?? 0) - (buckets.ends[i - 1] ?? 0),
  }));
  return { type: 'split', shares: shares.filter(({ weight }) => weight > 0), put };
}

const variantOf = (variant: string | null, put: Put): Fallthrough =>
  variant === null ? { type: 'none', why: NO_VARIANT } : { type: 'variant', variant, put };

const unclear = (what: string): Fallthrough => ({
  type: 'none',
  why: `what decides of those whom no rule matches is ${what}`,
});

const isRule = (node: Json | undefined): boolean =>
  isJsonObject(node) && ('if' in node || '?:' in node) && givesVariants(node);

/** Names or nothing: what "or" takes for an answer is one. */
export function givesVariants(node: Json): boolean {
  if (node === null || (typeof node === 'string' && node !== '')) return true;
  if (!isJsonObject(node)) return false;
  const args = node['if'] ?? node['?:'];
  if (!isJsonList(args)) return isJsonList(node['fractional']);
  const isOutcome = (at: number) => at % 2 === 1 || at === args.length - 1;
  return args.every((arg, at) => !isOutcome(at) || givesVariants(arg));
}
