/** What was set at run time over a definition, and what is in force then. */
import type { FlagDefinition } from './definition.ts';
import { type Shared, sharedOut } from './share.ts';

export type Override =
  /** Everybody gets this variant, whatever the rules say. */
  | { readonly type: 'fixed'; readonly variant: string; readonly release?: string }
  /** Whoever matches no rule, and every rule's users alike, are shared out by weight. */
  | { readonly type: 'shares'; readonly shares: readonly Share[] }
  /** The default in the code. */
  | { readonly type: 'disabled' }
  /** Another definition, or one that no file has. */
  | { readonly type: 'definition'; readonly definition: FlagDefinition }
  /** By a release of the flag: over what was set before it. */
  | RolledOverride;

export interface RolledOverride extends Shared {
  readonly type: 'rolled';
  readonly release: string;
  readonly before: Override | null;
}

export interface Share {
  readonly variant: string;
  readonly weight: number;
}

export type Overrides = Readonly<Record<string, Override>>;

/** Null: nothing is left of it. */
export function inForce(file: FlagDefinition | null, override: Override | null): FlagDefinition | null {
  if (override === null) return file;
  if (override.type === 'definition') return override.definition;
  if (override.type === 'rolled') {
    const before = inForce(file, override.before);
    // What cannot be shared out like this any more is as it was before.
    return before && (sharedOut(before, override) ?? before);
  }
  if (file === null) return null;
  switch (override.type) {
    case 'fixed':
      return { ...file, state: 'ENABLED', defaultVariant: override.variant, targeting: null };
    case 'disabled':
      return { ...file, state: 'DISABLED' };
    case 'shares': {
      const fractional = override.shares.map(({ variant, weight }) => [variant, weight]);
      return { ...file, state: 'ENABLED', targeting: { fractional } };
    }
  }
}

/** What no file has cannot be laid over a file: the flag becomes what it would be. */
export function laidOver(
  file: FlagDefinition | null,
  now: FlagDefinition | null,
  override: Override,
): Override {
  if (file !== null || now === null) return override;
  return { type: 'definition', definition: inForce(now, override) ?? now };
}

/** For "off": the variant that is called so, or whose value is false; null: there is none, and the code decides. */
export function variantFor({ variants }: FlagDefinition, word: 'on' | 'off'): string | null {
  if (Object.hasOwn(variants, word)) return word;
  return Object.keys(variants).find((name) => variants[name] === (word === 'on')) ?? null;
}

/** Without the steps of a release that has not come to its end: what it would go back to. */
export function settled(override: Override | null): Override | null {
  return override?.type === 'rolled' && override.percent < 100 ? settled(override.before) : override;
}

/** Variants that it names and the definition has not. */
export function strangers(override: Override, { variants }: FlagDefinition): readonly string[] {
  const named =
    override.type === 'fixed'
      ? [override.variant]
      : override.type === 'shares'
        ? override.shares.map(({ variant }) => variant)
        : [];
  return named.filter((name) => !Object.hasOwn(variants, name));
}

export function describeOverride(override: Override | null): string {
  switch (override?.type) {
    case undefined:
      return 'as the file says';
    case 'fixed':
      return `"${override.variant}" for everybody`;
    case 'disabled':
      return 'disabled: the default in the code';
    case 'definition':
      return 'a definition set at run time';
    case 'shares':
      return override.shares.map(({ variant, weight }) => `${variant}=${weight}`).join(', ');
    case 'rolled':
      return `"${override.to}" for ${override.percent >= 100 ? '' : `${override.percent}% of `}whom no rule matches`;
  }
}
