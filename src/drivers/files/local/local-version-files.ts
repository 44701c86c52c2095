/**
 * Versions as folders under `.segue/releases/SERVICE/VERSION`: `files/` and `manifest.json`. A version is made
 * in a scratch folder beside it and gets its name in one step, so that it is there whole or not at all.
 */
import { lstat, mkdir, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import { Turns } from '../../../core/turns.ts';
import type { KeepRequest, KeptFiles, VersionFiles } from '../../../ports/version-files.ts';
import { RELEASES_DIR } from '../../../wire/paths.ts';
import { diskError, systemCode } from '../../disk-error.ts';
import { copySource } from './copy.ts';
import { Earlier, type KeptTree } from './earlier.ts';
import { ignoring } from './ignore.ts';
import { type Manifest, readManifest, writeManifest } from './manifest.ts';
import { walk, type WalkOptions } from './source.ts';
import { refuseChange, survey } from './survey.ts';
import { isWhole } from './whole.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,62}$/;
/** No version is called so: names begin with a letter or digit. */
const SCRATCH = '.scratch-';
const FILES = 'files';
const MANIFEST = 'manifest.json';

/** One per project and process; control's lock keeps a second process out. */
export class LocalVersionFiles implements VersionFiles {
  readonly #releases: string;
  readonly #turns = new Turns();
  readonly #swept = new Map<string, Promise<void>>();

  constructor(options: { readonly root: string }) {
    this.#releases = resolve(options.root, RELEASES_DIR);
  }

  dir(service: string, version: string): string {
    return join(this.#home(service, version), FILES);
  }

  async keep(request: KeepRequest, signal?: AbortSignal): Promise<KeptFiles> {
    const home = this.#home(request.service, request.version);
    return this.#turns.take(home, async () => {
      const kept = (await exists(home))
        ? await this.#compare(home, request, signal)
        : await this.#make(home, request, signal);
      const { digest, files, bytes, shared } = kept;
      return { digest, files, bytes, shared };
    });
  }

  async digest(
    from: string,
    ignore: readonly string[],
  ): Promise<{ readonly digest: string; readonly files: number; readonly bytes: number }> {
    const { digest, files, bytes } = await survey(from, { ignore: ignoring(ignore) });
    return { digest, files, bytes };
  }

  async verify(service: string, version: string): Promise<boolean> {
    const home = this.#home(service, version);
    const manifest = await readManifest(join(home, MANIFEST));
    return manifest !== null && (await isWhole(join(home, FILES), manifest));
  }

  async remove(service: string, version: string): Promise<void> {
    const home = this.#home(service, version);
    await this.#turns.take(home, async () => {
      if (!(await exists(home))) return;
      const scratch = await this.#scratch(home);
      try {
        // Away in one step: a crash from here on leaves no half version, only something to sweep.
        await rename(home, join(scratch, 'removed'));
        await rm(scratch, { recursive: true, force: true });
      } catch (error) {
        throw diskError(error, home);
      }
    });
  }

  #home(service: string, version: string): string {
    return join(this.#releases, checked('service', service), checked('version', version));
  }

  async #compare(home: string, request: KeepRequest, signal: AbortSignal | undefined): Promise<Manifest> {
    const { digest } = await survey(request.from, { ignore: ignoring(request.ignore), signal });
    const manifest = await readManifest(join(home, MANIFEST));
    if (manifest && manifest.digest !== digest)
      throw new SegueError('VERSION_EXISTS', `${request.service} ${request.version} has other files.`);
    if (!manifest || !(await isWhole(join(home, FILES), manifest)))
      throw new SegueError('VERSION_DAMAGED', `Look at ${home}.`);
    return manifest;
  }

  async #make(home: string, request: KeepRequest, signal: AbortSignal | undefined): Promise<Manifest> {
    const from = resolve(request.from);
    const walking: WalkOptions = { ignore: ignoring(request.ignore), signal };
    const source = await walk(from, walking);
    const earlier = await this.#earlier(request);
    const scratch = await this.#scratch(home);
    try {
      const to = join(scratch, FILES);
      await mkdir(to);
      const manifest = await copySource({ source, to, earlier, signal });
      await refuseChange(source, walking);
      await writeManifest(join(scratch, MANIFEST), manifest);
      await syncFolder(scratch);
      await rename(scratch, home);
      await syncFolder(dirname(home));
      return manifest;
    } catch (error) {
      // What cannot be deleted now is swept later; why it came to this is what counts.
      await rm(scratch, { recursive: true, force: true }).catch(() => undefined);
      throw diskError(error, home);
    }
  }

  async #earlier(request: KeepRequest): Promise<Earlier> {
    const trees: KeptTree[] = [];
    for (const version of request.earlier.slice(0, limits.versions.sharedWithMax)) {
      const home = this.#home(request.service, version);
      const manifest = await readManifest(join(home, MANIFEST));
      if (manifest) trees.push({ dir: join(home, FILES), manifest });
    }
    return new Earlier(trees);
  }

  /** A new empty folder beside the version. */
  async #scratch(home: string): Promise<string> {
    const parent = dirname(home);
    try {
      for (const folder of [dirname(this.#releases), this.#releases, parent]) await makeFolder(folder);
      await this.#sweep(parent);
      return await mkdtemp(join(parent, SCRATCH));
    } catch (error) {
      throw diskError(error, parent);
    }
  }

  /** What a crash left: so it is looked for once, before this process has a scratch folder of its own. */
  #sweep(parent: string): Promise<void> {
    const swept = this.#swept.get(parent) ?? sweep(parent);
    this.#swept.set(parent, swept);
    return swept;
  }
}

/** Throws USAGE for a name that could lead out of the folder. */
function checked(noun: string, name: string): string {
  if (NAME.test(name)) return name;
  throw new SegueError(
    'USAGE',
    `${JSON.stringify(name)} cannot be the name of a ${noun}: ` +
      'it is made of up to 63 letters, digits and . _ + -, the first one a letter or digit.',
  );
}

/** One level: `recursive` would make up a project, and calls a read-only file system ENOENT. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

/** What cannot be deleted takes space and nothing else: no reason to refuse a release. */
async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    if (name.startsWith(SCRATCH))
      await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw diskError(error, path);
  }
}

/** Makes names durable, not only contents (fsync(2)). */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
