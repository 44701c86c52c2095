/** Definition files of flags in a folder of the project, `*.flagd.json` and `*.flagd.yaml`, its folders included. */
import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import { formatBytes } from '../../../core/units.ts';
import { FLAG_FILE_NAME } from '../../../wire/flags/flag-file-name.ts';
import type { FlagFileText, FlagSource } from '../../../ports/flag-source.ts';

/** Editors write a file in several steps; one look after the last of them is enough. */
const SETTLE_MS = 20;

export class FlagFiles implements FlagSource {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async read(dir: string): Promise<readonly FlagFileText[]> {
    const folder = resolve(this.#root, dir);
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(nothing);
    const files = entries.filter((entry) => entry.isFile() && FLAG_FILE_NAME.test(entry.name));
    if (files.length > limits.flags.filesMax)
      throw new SegueError('FLAGS_INVALID', `There are more than ${limits.flags.filesMax} files in ${dir}.`);
    const paths = files.map(({ parentPath, name }) => join(parentPath, name)).toSorted();
    return Promise.all(paths.map((path) => this.#readOne(path)));
  }

  watch(dir: string, changed: () => void, signal: AbortSignal): void {
    const folder = resolve(this.#root, dir);
    let settling: NodeJS.Timeout | undefined;
    let watcher: FSWatcher | undefined;
    const soon = () => {
      clearTimeout(settling);
      settling = setTimeout(changed, SETTLE_MS);
    };
    try {
      watcher = watch(folder, { recursive: true }, soon).on('error', () => undefined);
    } catch {
      // No such folder, or a system that does not tell: looking from time to time finds it as well.
    }
    const looking = setInterval(changed, limits.flags.lookIntervalMs);
    signal.addEventListener('abort', () => {
      clearInterval(looking);
      clearTimeout(settling);
      watcher?.close();
    });
  }

  async #readOne(path: string): Promise<FlagFileText> {
    const name = relative(this.#root, path);
    const { fileBytesMax } = limits.flags;
    try {
      const { size } = await stat(path);
      if (size <= fileBytesMax) return { name, text: await readFile(path, 'utf8') };
    } catch (error) {
      throw new SegueError('FLAGS_INVALID', `${name} cannot be read: ${messageOf(error)}.`, { cause: error });
    }
    throw new SegueError('FLAGS_INVALID', `${name} is larger than ${formatBytes(fileBytesMax)}.`);
  }
}

function nothing(error: unknown): [] {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
    return [];
  throw new SegueError('FLAGS_INVALID', `The folder cannot be read: ${messageOf(error)}.`, { cause: error });
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
