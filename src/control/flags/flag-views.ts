import { ownOf } from '../../core/flags/json.ts';
import { staleCauses } from '../../core/flags/stale.ts';
import type { FlagsSummary, FlagStatus } from '../../wire/flag-api.ts';
import type { FlagDesk } from './flag-desk.ts';

/** By name. */
export function flagStatuses(desk: FlagDesk, afterMs: number, nowMs: number): readonly FlagStatus[] {
  const { overrides, found } = desk;
  return [...desk.set.flags]
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ key, definition, notes }) => {
      const usage = desk.usageOf(key);
      const knownSinceMs = desk.knownSinceMs(key);
      const stale = staleCauses({ notes, usage, knownSinceMs, afterMs, nowMs });
      const { file = null, line = null } = ownOf(found, key) ?? {};
      const override = ownOf(overrides, key) ?? null;
      const raised = desk.raisedOf(key);
      const ceiling = desk.ceilings.ceiling(key, notes, 100);
      const limit = ceiling.type === 'allowed' ? null : ceiling.why;
      const now = { override, usage, stale, knownSinceMs, raised, limit };
      return { flag: key, definition, notes, file, line, ...now };
    });
}

/** Null: there are no flags, and nothing to say. */
export function flagsSummary(desk: FlagDesk): FlagsSummary | null {
  const { trouble, pending, overrides } = desk;
  const flags = desk.set.keys.length;
  if (flags === 0 && trouble.length === 0) return null;
  return { flags, changed: Object.keys(overrides).length, waiting: pending.length, trouble };
}
