/** Flags as a release sees them: what is raised, and which versions have the code. */
import type { Reach } from './schema.ts';
import type { FlagStep, LowerStep } from './step.ts';

/** How high it stands. */
export interface FlagHeight {
  /** Percent of those who ask that may get more than its lowest variant. */
  readonly raised: number;
  /** The release under way raised it: it goes back to how it was. */
  readonly ours: boolean;
}

export interface FlagFact extends FlagHeight {
  readonly flag: string;
  /** The variant that is called "on", or is true; null: there is none. */
  readonly on: string | null;
  /** Of the service, those that have its code; null: nothing is known of it. */
  readonly versions: readonly string[] | null;
  /** Of those, the first, as its metadata says; null: they have asked for it. */
  readonly since: string | null;
  /** The change of the database that it needs, as far as it is now. */
  readonly needs: { readonly change: string; readonly reach: Reach | null } | null;
}

export function flagsAfter(
  flags: ReadonlyMap<string, FlagHeight>,
  step: FlagStep | LowerStep,
): ReadonlyMap<string, FlagHeight> {
  if (step.kind === 'lower')
    return new Map([...flags, ...step.flags.map((flag) => [flag, { raised: 0, ours: false }] as const)]);
  const before = flags.get(step.flag)?.raised ?? 0;
  // A step only raises: what is higher stays so, and was not its doing.
  if (before >= step.percent) return flags;
  return new Map([...flags, [step.flag, { raised: step.percent, ours: true }] as const]);
}

/** Raised, and its code goes with the version that leaves. `leaving` null: nobody served. */
export function losesCode(
  { raised, versions }: Pick<FlagFact, 'raised' | 'versions'>,
  leaving: string | null,
  staying: string | null,
): boolean {
  if (raised === 0 || versions === null) return false;
  const has = (version: string | null) => version !== null && versions.includes(version);
  return !has(staying) && (leaving === null || has(leaving));
}
