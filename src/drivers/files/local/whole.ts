/** Whether kept files are still what was kept. Nothing is read: they are read-only, so size and time tell. */
import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../../../core/limits.ts';
import { forEachBounded } from './bounded.ts';
import type { KeptFile, Manifest, ManifestEntry } from './manifest.ts';

/** What the program wrote beside its files since does not matter. */
export async function isWhole(dir: string, manifest: Manifest): Promise<boolean> {
  let whole = true;
  await forEachBounded(manifest.entries, limits.versions.copiesAtOnce, async (entry) => {
    if (!(await isThere(join(dir, entry.path), entry))) whole = false;
  });
  return whole;
}

async function isThere(path: string, entry: ManifestEntry): Promise<boolean> {
  try {
    switch (entry.type) {
      case 'file':
        return await isUnchanged(path, entry);
      case 'folder':
        return (await lstat(path)).isDirectory();
      case 'link':
        return (await readlink(path)) === entry.target;
    }
  } catch {
    return false;
  }
}

export async function isUnchanged(path: string, file: KeptFile): Promise<boolean> {
  try {
    const now = await lstat(path);
    return now.isFile() && now.size === file.size && now.mtimeMs === file.mtimeMs;
  } catch {
    return false;
  }
}
