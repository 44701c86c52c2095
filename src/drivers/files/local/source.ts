/** What lies in a folder to be released: looked at, never followed through a link, never opened. */
import type { Dirent } from 'node:fs';
import { lstat, opendir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import { formatBytes } from '../../../core/units.ts';
import { systemCode } from '../../disk-error.ts';
import { forEachBounded } from './bounded.ts';
import type { Ignore } from './ignore.ts';

export interface SourceFile {
  readonly type: 'file';
  readonly path: string;
  readonly executable: boolean;
  readonly size: number;
  readonly mtimeMs: number;
}

export interface Folder {
  readonly type: 'folder';
  readonly path: string;
}

/** Kept as the text it is, wherever it leads. */
export interface Link {
  readonly type: 'link';
  readonly path: string;
  readonly target: string;
}

export type SourceEntry = SourceFile | Folder | Link;

export interface Source {
  readonly from: string;
  /** Sorted by path; a folder comes before what is in it. */
  readonly entries: readonly SourceEntry[];
}

interface Bounds {
  readonly filesMax: number;
  readonly bytesMax: number;
}

export interface WalkOptions {
  readonly ignore: Ignore;
  readonly signal?: AbortSignal | undefined;
  readonly bounds?: Bounds;
}

/** Throws SOURCE_MISSING, SOURCE_CHANGED (something went while it was looked at), VERSION_TOO_LARGE. */
export async function walk(from: string, options: WalkOptions): Promise<Source> {
  const room = new Room(options.bounds ?? limits.versions);
  const entries: SourceEntry[] = [];
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const found = await list(from, folder, options, room);
    await forEachBounded(found, limits.versions.copiesAtOnce, async ({ path, dirent }) => {
      const entry = await look(from, path, dirent);
      if (entry.type === 'folder') folders.push(path);
      if (entry.type === 'file') room.takeBytes(entry.size);
      entries.push(entry);
    });
  }
  return { from, entries: sortedByPath(entries) };
}

/** By UTF-16 code units, so that every machine and locale agrees. */
export function sortedByPath<T extends { readonly path: string }>(entries: readonly T[]): T[] {
  return entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** The first path at which two looks at one folder differ. */
export function firstDifference(before: Source, after: Source): string | undefined {
  const longest = Math.max(before.entries.length, after.entries.length);
  for (let i = 0; i < longest; i += 1) {
    const [was, is] = [before.entries[i], after.entries[i]];
    if (isDeepStrictEqual(was, is)) continue;
    // Where one has an entry more, the lists are out of step from here on: the lower path is that entry.
    return was && is && is.path < was.path ? is.path : (was ?? is)?.path;
  }
  return undefined;
}

/** Counts down what a version may still hold, so that no list and no copy grows past it. */
class Room {
  readonly #bounds: Bounds;
  #files = 0;
  #bytes = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  takeEntry(): void {
    this.#files += 1;
    if (this.#files > this.#bounds.filesMax)
      throw new SegueError('VERSION_TOO_LARGE', `It holds more than ${this.#bounds.filesMax} files.`);
  }

  takeBytes(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#bounds.bytesMax)
      throw new SegueError('VERSION_TOO_LARGE', `It holds more than ${formatBytes(this.#bounds.bytesMax)}.`);
  }
}

interface Found {
  readonly path: string;
  readonly dirent: Dirent;
}

async function list(from: string, folder: string, options: WalkOptions, room: Room): Promise<Found[]> {
  const found: Found[] = [];
  try {
    for await (const dirent of await opendir(join(from, folder), { bufferSize: 1_024 })) {
      options.signal?.throwIfAborted();
      const path = folder === '' ? dirent.name : `${folder}/${dirent.name}`;
      const isKept = dirent.isFile() || dirent.isDirectory() || dirent.isSymbolicLink();
      if (!isKept || options.ignore(path, dirent.isDirectory())) continue;
      room.takeEntry();
      found.push({ path, dirent });
    }
  } catch (error) {
    throw sourceError(error, from, folder);
  }
  return found;
}

async function look(from: string, path: string, dirent: Dirent): Promise<SourceEntry> {
  try {
    if (dirent.isDirectory()) return { type: 'folder', path };
    if (dirent.isSymbolicLink()) return { type: 'link', path, target: await readlink(join(from, path)) };
    const { mode, size, mtimeMs } = await lstat(join(from, path));
    return { type: 'file', path, executable: (mode & 0o100) !== 0, size, mtimeMs };
  } catch (error) {
    throw sourceError(error, from, path);
  }
}

/** What a failure to read the user's folder means. An error that is not the system's comes back as it is. */
export function sourceError(error: unknown, from: string, path: string): unknown {
  const code = systemCode(error);
  if (code === undefined || error instanceof SegueError) return error;
  const whole = join(from, path);
  if (path.includes('\uFFFD'))
    return new SegueError('SOURCE_MISSING', `The name of ${whole} is not UTF-8.`, { cause: error });
  // What was listed a moment ago and is no longer there, or no longer of its kind.
  if (path !== '' && (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EINVAL'))
    return new SegueError('SOURCE_CHANGED', `${whole} went away.`, { cause: error });
  return new SegueError('SOURCE_MISSING', `${whole} cannot be read (${code}).`, { cause: error });
}
