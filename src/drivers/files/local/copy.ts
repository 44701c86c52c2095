/** Copies a source into a new folder, and says what is there now. */
import { constants } from 'node:fs';
import { access, chmod, copyFile, link, lstat, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import { diskError, systemCode } from '../../disk-error.ts';
import { forEachBounded } from './bounded.ts';
import type { Earlier, SharedFile } from './earlier.ts';
import { hashFile } from './hash.ts';
import { type Manifest, type ManifestEntry, manifestOf } from './manifest.ts';
import { type Source, sourceError, type SourceFile } from './source.ts';

interface CopyRequest {
  readonly source: Source;
  /** Exists and is empty. */
  readonly to: string;
  readonly earlier: Earlier;
  readonly signal: AbortSignal | undefined;
}

export async function copySource(request: CopyRequest): Promise<Manifest> {
  const { source, to, signal } = request;
  const entries: ManifestEntry[] = source.entries.filter((entry) => entry.type !== 'file');
  let shared = 0;
  // In order, because a folder must be there before what is in it.
  for (const folder of source.entries) {
    if (folder.type === 'folder') await onDisk(to, () => mkdir(join(to, folder.path)));
  }
  await forEachBounded(source.entries, limits.versions.copiesAtOnce, async (entry) => {
    signal?.throwIfAborted();
    const target = join(to, entry.path);
    if (entry.type === 'link') await onDisk(to, () => symlink(entry.target, target));
    if (entry.type !== 'file') return;
    const twin = await share(request, entry, target);
    if (twin) {
      shared += 1;
      entries.push({ ...entry, hash: twin.hash, size: twin.size, mtimeMs: twin.mtimeMs });
    } else {
      entries.push(await copy(request, entry, target));
    }
  });
  return manifestOf(entries, shared);
}

/** Links the file of an earlier version with the same content, when there is one that can be linked. */
async function share(
  request: CopyRequest,
  file: SourceFile,
  target: string,
): Promise<SharedFile | undefined> {
  if (!request.earlier.mayHave(file)) return undefined;
  const twin = await request.earlier.find(await hashSource(request, file), file.executable);
  return twin && (await canLink(twin.at, target)) ? twin : undefined;
}

async function hashSource({ source, signal }: CopyRequest, file: SourceFile): Promise<string> {
  try {
    return await hashFile(join(source.from, file.path), signal);
  } catch (error) {
    throw sourceError(error, source.from, file.path);
  }
}

/** False where the file system has no hard links, or no more of them for this file: a copy does as well. */
async function canLink(from: string, target: string): Promise<boolean> {
  try {
    await link(from, target);
    return true;
  } catch (error) {
    const meaning = diskError(error, target);
    if (meaning instanceof SegueError && meaning.code === 'DISK_FULL') throw meaning;
    return false;
  }
}

/**
 * A reflink where the file system has them. The hash is taken from the copy, so that it is right whatever
 * happens to the source meanwhile; the mode keeps versions that share a file from changing each other.
 */
async function copy(
  { source, signal }: CopyRequest,
  file: SourceFile,
  target: string,
): Promise<ManifestEntry> {
  const from = join(source.from, file.path);
  try {
    await copyFile(from, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  } catch (error) {
    throw await copyError(error, source.from, file.path, target);
  }
  return onDisk(target, async () => {
    const hash = await hashFile(target, signal);
    await chmod(target, file.executable ? 0o555 : 0o444);
    const { size, mtimeMs } = await lstat(target);
    if (size !== file.size) throw new SegueError('SOURCE_CHANGED', `${from} changed.`);
    return { ...file, hash, size, mtimeMs };
  });
}

/** `copyFile` does not say on which side it failed. */
async function copyError(error: unknown, from: string, path: string, target: string): Promise<unknown> {
  if (systemCode(error) === 'ENOENT') return sourceError(error, from, path);
  try {
    await access(join(from, path), constants.R_OK);
  } catch (unreadable) {
    return sourceError(unreadable, from, path);
  }
  return diskError(error, target);
}

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskError(error, path);
  }
}
