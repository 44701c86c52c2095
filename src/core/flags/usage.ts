import { ownOf } from './json.ts';

/** What is asked of flags and what they answer, so that one that is settled or forgotten is found. */
export interface FlagUsage {
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly evaluations: number;
  /** By variant; an empty name is the default in the code. */
  readonly variants: Readonly<Record<string, number>>;
  /** The variant that alone was given since then. */
  readonly alone: { readonly variant: string; readonly sinceMs: number };
  /** Who asked last. */
  readonly by: string;
}

export type Usages = Readonly<Record<string, FlagUsage>>;

export class UsageBook {
  readonly #usages: Map<string, FlagUsage>;
  changed = false;

  constructor(before: Usages) {
    this.#usages = new Map(Object.entries(before));
  }

  count(flag: string, variant: string | null, by: string, nowMs: number, times = 1): void {
    const name = variant ?? '';
    const known = this.#usages.get(flag);
    this.changed = true;
    const alone = known?.alone.variant === name ? known.alone : { variant: name, sinceMs: nowMs };
    const variants = { ...known?.variants, [name]: (ownOf(known?.variants ?? {}, name) ?? 0) + times };
    const evaluations = (known?.evaluations ?? 0) + times;
    this.#usages.set(flag, {
      firstAtMs: known?.firstAtMs ?? nowMs,
      lastAtMs: nowMs,
      evaluations,
      variants,
      alone,
      by,
    });
  }

  of(flag: string): FlagUsage | null {
    return this.#usages.get(flag) ?? null;
  }

  /** Of these flags; those of others are forgotten. */
  all(flags: ReadonlySet<string>): Usages {
    for (const flag of this.#usages.keys()) if (!flags.has(flag)) this.#usages.delete(flag);
    return Object.fromEntries(this.#usages);
  }
}
