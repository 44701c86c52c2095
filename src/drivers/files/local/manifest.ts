/** What was kept: written beside the files, read to compare, to share and to verify. */
import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { type Folder, type Link, sortedByPath, type SourceFile } from './source.ts';

/** Size and time are those of the kept file: they show whether it is still what was hashed. */
export interface KeptFile extends SourceFile {
  readonly hash: string;
}

export type ManifestEntry = KeptFile | Folder | Link;

export interface Manifest {
  readonly format: 1;
  readonly digest: string;
  readonly files: number;
  readonly bytes: number;
  readonly shared: number;
  /** Sorted by path. */
  readonly entries: readonly ManifestEntry[];
}

export function manifestOf(unsorted: readonly ManifestEntry[], shared: number): Manifest {
  const entries = sortedByPath(unsorted);
  const files = entries.filter((entry) => entry.type === 'file');
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  return { format: 1, digest: digestOf(entries), files: files.length, bytes, shared, entries };
}

/** Names, kinds, executable bits, contents and nothing else: no times, no owners, no order of reading. */
function digestOf(entries: readonly ManifestEntry[]): string {
  const hash = createHash('sha256');
  for (const entry of entries) hash.update(`${JSON.stringify(identityOf(entry))}\n`);
  return hash.digest('hex');
}

function identityOf(entry: ManifestEntry): readonly (string | boolean)[] {
  switch (entry.type) {
    case 'file':
      return ['file', entry.path, entry.executable, entry.hash];
    case 'folder':
      return ['folder', entry.path];
    case 'link':
      return ['link', entry.path, entry.target];
  }
}

/** On the disk when it returns. */
export async function writeManifest(path: string, manifest: Manifest): Promise<void> {
  const file = await open(path, 'wx', 0o400);
  try {
    await file.writeFile(JSON.stringify(manifest));
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Null when there is none that can be read. */
export async function readManifest(path: string): Promise<Manifest | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return isManifest(value) ? value : null;
  } catch {
    return null;
  }
}

/** Only `writeManifest` writes it: format and frame are checked, the entries are believed. */
function isManifest(value: unknown): value is Manifest {
  return (
    typeof value === 'object' &&
    value !== null &&
    'format' in value &&
    value.format === 1 &&
    'digest' in value &&
    typeof value.digest === 'string' &&
    'entries' in value &&
    Array.isArray(value.entries)
  );
}
