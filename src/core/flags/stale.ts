/** Flags that have done their work: what says so, for how long, and what is left to do. */
import type { FlagNotes } from './definition.ts';
import type { FlagUsage } from './usage.ts';

export type StaleCause =
  | { readonly type: 'settled'; readonly variant: string; readonly forMs: number }
  | { readonly type: 'past-end'; readonly end: string }
  | { readonly type: 'unasked'; readonly forMs: number };

export interface StaleQuestion {
  readonly notes: FlagNotes;
  readonly usage: FlagUsage | null;
  /** Since when it is known at all. */
  readonly knownSinceMs: number;
  readonly afterMs: number;
  readonly nowMs: number;
}

/** Empty: it is in use. Flags that are meant to stay are asked for an end only. */
export function staleCauses({
  notes,
  usage,
  knownSinceMs,
  afterMs,
  nowMs,
}: StaleQuestion): readonly StaleCause[] {
  const causes: StaleCause[] = [];
  const { end, kind } = notes;
  if (end !== null && nowMs >= Date.parse(`${end}T00:00:00Z`) + DAY_MS)
    causes.push({ type: 'past-end', end });
  if (kind === 'operational' || kind === 'permission') return causes;
  const lastMs = usage?.lastAtMs ?? knownSinceMs;
  if (nowMs - lastMs >= afterMs) causes.push({ type: 'unasked', forMs: nowMs - lastMs });
  else if (usage && usage.lastAtMs - usage.alone.sinceMs >= afterMs)
    causes.push({ type: 'settled', variant: usage.alone.variant, forMs: nowMs - usage.alone.sinceMs });
  return causes;
}

const DAY_MS = 86_400_000;
