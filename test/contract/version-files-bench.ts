import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeepRequest, KeptFiles, VersionFiles } from '../../src/ports/version-files.ts';
import { readTree, type Tree, writeTree } from './tree.ts';

/** A project folder and a build folder beside it, new for every test. */
export class FilesBench {
  dir = '';
  from = '';
  #files: VersionFiles | null = null;

  async setUp(open: (root: string) => VersionFiles): Promise<void> {
    this.dir = await mkdtemp(join(tmpdir(), 'segue-files-'));
    this.from = join(this.dir, 'build');
    this.#files = open(join(this.dir, 'project'));
    await writeTree(this.dir, { build: { folder: true }, project: { folder: true } });
  }

  async tearDown(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }

  get files(): VersionFiles {
    if (!this.#files) throw new Error('not set up');
    return this.#files;
  }

  keep(version: string, change: Partial<KeepRequest> = {}, signal?: AbortSignal): Promise<KeptFiles> {
    const request = { service: 'web', version, from: this.from, ignore: [], earlier: [], ...change };
    return this.files.keep(request, signal);
  }

  kept(version: string): Promise<Tree> {
    return readTree(this.files.dir('web', version));
  }
}
