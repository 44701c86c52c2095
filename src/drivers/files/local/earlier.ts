/** The files of versions kept before, found by what they contain: a new version shares those it has too. */
import { join } from 'node:path';
import type { KeptFile, Manifest } from './manifest.ts';
import type { SourceFile } from './source.ts';
import { isUnchanged } from './whole.ts';

export interface KeptTree {
  readonly dir: string;
  readonly manifest: Manifest;
}

export interface SharedFile extends KeptFile {
  /** Absolute path. */
  readonly at: string;
}

export class Earlier {
  readonly #sizes = new Set<number>();
  readonly #byContent = new Map<string, SharedFile>();

  /** Newest first: the newest of several equal files is shared. */
  constructor(trees: readonly KeptTree[]) {
    for (const { dir, manifest } of trees) {
      for (const entry of manifest.entries) {
        if (entry.type !== 'file') continue;
        this.#sizes.add(entry.size);
        const key = keyOf(entry.hash, entry.executable);
        if (!this.#byContent.has(key)) this.#byContent.set(key, { ...entry, at: join(dir, entry.path) });
      }
    }
  }

  /** Cheap: tells whether it is worth hashing the file to find out. */
  mayHave(file: SourceFile): boolean {
    return this.#sizes.has(file.size);
  }

  /** Undefined too when the kept file is no longer what its manifest says. */
  async find(hash: string, executable: boolean): Promise<SharedFile | undefined> {
    const file = this.#byContent.get(keyOf(hash, executable));
    return file && (await isUnchanged(file.at, file)) ? file : undefined;
  }
}

const keyOf = (hash: string, executable: boolean) => `${hash}${executable ? 'x' : '-'}`;
