import { join, resolve } from 'node:path';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import { forEachBounded } from './bounded.ts';
import { hashFile } from './hash.ts';
import { type Manifest, type ManifestEntry, manifestOf } from './manifest.ts';
import { firstDifference, type Source, sourceError, walk, type WalkOptions } from './source.ts';

/** The manifest that keeping the folder would give, except for the times; nothing is copied. */
export async function survey(from: string, options: WalkOptions): Promise<Manifest> {
  const source = await walk(resolve(from), options);
  const entries: ManifestEntry[] = source.entries.filter((entry) => entry.type !== 'file');
  await forEachBounded(source.entries, limits.versions.copiesAtOnce, async (entry) => {
    if (entry.type !== 'file') return;
    try {
      const hash = await hashFile(join(source.from, entry.path), options.signal);
      entries.push({ ...entry, hash });
    } catch (error) {
      throw sourceError(error, source.from, entry.path);
    }
  });
  await refuseChange(source, options);
  return manifestOf(entries, 0);
}

/** Looks again: what was read is one state of the folder only if nothing changed meanwhile. */
export async function refuseChange(before: Source, options: WalkOptions): Promise<void> {
  const path = firstDifference(before, await walk(before.from, options));
  if (path !== undefined) throw new SegueError('SOURCE_CHANGED', `${join(before.from, path)} changed.`);
}
