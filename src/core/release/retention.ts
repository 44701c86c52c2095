import type { Keep } from '../project.ts';
import type { VersionRecord } from './records.ts';

/**
 * The versions of one service whose files may go: beyond the newest `keep.versions` and older than
 * `keep.forMs`, and never one that is `needed` - stable, previous, in an active release, with instances -
 * so that a rollback finds its files. Oldest first.
 */
export function removable(
  versions: readonly VersionRecord[],
  keep: Keep,
  needed: ReadonlySet<string>,
  nowMs: number,
): string[] {
  const oldestFirst = versions.filter((v) => !v.removed).toSorted((a, b) => a.keptAtMs - b.keptAtMs);
  return oldestFirst
    .slice(0, Math.max(0, oldestFirst.length - keep.versions))
    .filter((v) => nowMs - v.keptAtMs > keep.forMs && !needed.has(v.version))
    .map((v) => v.version);
}
