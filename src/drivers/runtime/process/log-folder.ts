import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import { LogFile } from './log-file.ts';
import { messageOf, systemErrorCode } from './system-error.ts';

const FILE_NAME = /^[\w@+-][\w.@+-]{0,200}$/;

/** `<id>.log` for instances that may write; `forgotten/<id>.log` for the last ones that are gone for good. */
export class LogFolder {
  readonly #dir: string;
  readonly #forgottenDir: string;
  readonly #bytesMax: number;
  readonly #files = new Map<string, LogFile>();

  constructor(dir: string, bytesMax: number) {
    this.#dir = dir;
    this.#forgottenDir = join(dir, 'forgotten');
    this.#bytesMax = bytesMax;
  }

  /** A descriptor for the instance to write to. O_APPEND: its writes go to the end, wherever that is by then. */
  openForWriting(id: string): number {
    const { path } = this.#current(id);
    try {
      mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
      return openSync(path, 'a', 0o600);
    } catch (error) {
      throw folderError(path, error);
    }
  }

  /** For somebody else who opens it; returns its path. */
  prepare(id: string): string {
    closeSync(this.openForWriting(id));
    return this.#current(id).path;
  }

  /** The log is made before the program is started: without one, the instance never ran. */
  has(id: string): boolean {
    return this.#current(id).span() !== null;
  }

  /** Throws INSTANCE_UNKNOWN when no log is kept for it. */
  find(id: string): LogFile {
    const current = this.#current(id);
    if (current.span()) return current;
    this.#files.delete(id);
    const forgotten = new LogFile(join(this.#forgottenDir, fileName(id)));
    if (forgotten.span()) return forgotten;
    throw new SegueError('INSTANCE_UNKNOWN', `No log is kept for ${id}.`);
  }

  async rotate(id: string): Promise<void> {
    await this.#current(id).rotate(this.#bytesMax);
  }

  /** Puts its log aside and removes the oldest of those put aside before. */
  async forget(id: string): Promise<void> {
    const { path } = this.#current(id);
    this.#files.delete(id);
    const target = join(this.#forgottenDir, fileName(id));
    await mkdir(this.#forgottenDir, { recursive: true, mode: 0o700 });
    await Promise.all(['', '.1'].map((end) => moveIfThere(path + end, target + end)));
    await this.#prune();
  }

  async #prune(): Promise<void> {
    const names = (await readdir(this.#forgottenDir)).filter((name) => name.endsWith('.log'));
    const logs = names.map((name) => {
      const path = join(this.#forgottenDir, name);
      return { path, writtenAtMs: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
    });
    const old = logs.sort((a, b) => b.writtenAtMs - a.writtenAtMs).slice(limits.log.forgottenKeptMax);
    await Promise.all(
      old.flatMap(({ path }) => [rm(path, { force: true }), rm(`${path}.1`, { force: true })]),
    );
  }

  #current(id: string): LogFile {
    const known = this.#files.get(id);
    if (known) return known;
    const file = new LogFile(join(this.#dir, fileName(id)));
    this.#files.set(id, file);
    return file;
  }
}

/** The id comes from outside when someone asks for logs: it must not lead out of the folder. */
function fileName(id: string): string {
  if (!FILE_NAME.test(id))
    throw new SegueError('INSTANCE_UNKNOWN', `"${id}" is not the name of an instance.`);
  return `${id}.log`;
}

async function moveIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}

function folderError(path: string, error: unknown): SegueError {
  const detail = `${path}: ${messageOf(error)}`;
  switch (systemErrorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new SegueError('DISK_FULL', detail, { cause: error });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new SegueError('DIRECTORY_READ_ONLY', detail, { cause: error });
    case undefined:
    default:
      return new SegueError('SPAWN_FAILED', detail, { cause: error });
  }
}
