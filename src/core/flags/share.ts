/**
 * A part of those whom no rule of a flag matches gets another variant: by the flag's own hash, so that whoever has it
 * at one percent has it at ten. Written in flagd's own operators: whoever evaluates the flag needs to know no more.
 */
import type { FlagDefinition } from './definition.ts';
import { type Fallthrough, fallthroughOf } from './fallthrough.ts';
import type { Json } from './json.ts';

export interface Shared {
  readonly to: string;
  readonly from: string;
  /** Of `to`, whole. */
  readonly percent: number;
}

/** What of a definition a roll-out between two variants can begin from. */
export interface Ground {
  readonly from: string;
  /** Of those whom no rule matches, who has the new variant already; 0 where all have the other one. */
  readonly percent: number;
  /** Nobody is left out: there are no rules. */
  readonly isAll: boolean;
}

export type Grounds =
  { readonly ok: true; readonly ground: Ground } | { readonly ok: false; readonly why: string };

/** `from` null: whatever they have now. */
export function groundOf(definition: FlagDefinition, to: string, from: string | null): Grounds {
  const found = fallthroughOf(definition);
  const no = (why: string): Grounds => ({ ok: false, why });
  if (found.type === 'none') return no(found.why);
  if (found.type === 'variant') {
    if (found.variant === to) return no(`whom no rule matches has "${to}" already`);
    if (from !== null && from !== found.variant)
      return no(`whom no rule matches has "${found.variant}" now, not "${from}"`);
    return yes(found.variant, 0, found);
  }
  const names = found.shares.map(({ variant }) => variant);
  const others = names.filter((name) => name !== to);
  const [other, ...more] = others;
  if (other === undefined) return no(`whom no rule matches has "${to}" already`);
  if (more.length > 0 || names.length > 2)
    return no(`it is shared out between ${names.join(', ')}: a roll-out is between two variants`);
  if (from !== null && from !== other) return no(`whom no rule matches has "${other}" now, not "${from}"`);
  return yes(other, percentOf(found.shares, to), found);
}

function yes(from: string, percent: number, { put }: Put): Grounds {
  return { ok: true, ground: { from, percent, isAll: put(from).targeting === null } };
}

type Put = Extract<Fallthrough, { put: unknown }>;

function percentOf(shares: readonly { variant: string; weight: number }[], to: string): number {
  const total = shares.reduce((sum, { weight }) => sum + weight, 0);
  const own = shares.find(({ variant }) => variant === to)?.weight ?? 0;
  return (100 * own) / total;
}

/** Null: the definition is another one by now, and nothing of it can be shared out like this. */
export function sharedOut(definition: FlagDefinition, shared: Shared): FlagDefinition | null {
  const found = placeIn(definition, shared);
  return found && found.put(nodeOf(found, definition, shared));
}

/** For whoever is to tell those who are shared out from those whom a rule has: they get this variant. */
export const SHARED_OUT = '\u0000shared out';

/** The same rules, with nothing behind them but that mark. Null as above. */
export function markOf(definition: FlagDefinition, shared: Shared): FlagDefinition | null {
  const marked = placeIn(definition, shared)?.put(SHARED_OUT) ?? null;
  return marked && { ...marked, variants: { ...marked.variants, [SHARED_OUT]: true } };
}

function placeIn(definition: FlagDefinition, { to, from }: Shared): Put | null {
  const found = fallthroughOf(definition);
  const { ok } = groundOf(definition, to, from);
  const isThere = (variant: string) => Object.hasOwn(definition.variants, variant);
  return ok && found.type !== 'none' && isThere(to) && isThere(from) ? found : null;
}

function nodeOf(found: Put, { defaultVariant }: FlagDefinition, { to, from, percent }: Shared): Json {
  if (percent >= 100) return to;
  const both: Json[] = [
    [to, percent],
    [from, 100 - percent],
  ];
  // Where one of both is first its users stay the same ones, whatever the weights.
  const isFirst = found.type === 'variant' || found.shares[0]?.variant === to;
  const fractional = { fractional: isFirst ? both : both.toReversed() };
  // Without a targeting key nobody is shared out, and everybody has what they had.
  return found.type === 'variant' && found.variant !== defaultVariant
    ? { or: [fractional, from] }
    : fractional;
}
