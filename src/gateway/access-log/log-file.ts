/**
 * Where the lines go. Several workers append to one file, each whole lines with one write (O_APPEND); whoever finds
 * it too large renames it, and the others see that their file has another name now. Never throws: a disk that fails
 * costs lines.
 */
import fs, { type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { limits } from '../../core/limits.ts';
import { ACCESS_LOG } from '../../wire/paths.ts';
import { monotonicMs, nowMs } from '../clock.ts';

interface Clock {
  nowMs(): number;
  monotonicMs(): number;
}

export interface AccessLogFileOptions {
  readonly clock?: Clock;
  readonly fileBytesMax?: number;
}

export class AccessLogFile {
  readonly #folder: string;
  readonly #path: string;
  readonly #worker: string;
  readonly #clock: Clock;
  readonly #bytesMax: number;
  #handle: FileHandle | null = null;
  #checkedMs = -Infinity;
  /** A line was cut off: the next one must not continue it. */
  #torn = false;

  /** `worker` keeps the names of older files apart. */
  constructor(root: string, worker: string, options: AccessLogFileOptions = {}) {
    this.#clock = options.clock ?? { nowMs, monotonicMs };
    this.#bytesMax = options.fileBytesMax ?? limits.accessLog.fileBytesMax;
    this.#path = path.join(root, ACCESS_LOG);
    this.#folder = path.dirname(this.#path);
    this.#worker = worker;
  }

  /** Whole lines. False: they are lost. */
  async append(lines: string): Promise<boolean> {
    try {
      const handle = await this.#current();
      const bytes = Buffer.from(this.#torn ? `\n${lines}` : lines);
      this.#torn = true;
      for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at)).bytesWritten;
      this.#torn = false;
      return true;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close().catch(() => undefined);
  }

  async #current(): Promise<FileHandle> {
    const atMs = this.#clock.monotonicMs();
    if (this.#handle && atMs - this.#checkedMs < limits.accessLog.checkIntervalMs) return this.#handle;
    this.#checkedMs = atMs;
    if (this.#handle && !(await this.#isStillIt(this.#handle))) await this.close();
    this.#handle ??= await this.#open();
    return this.#handle;
  }

  async #open(): Promise<FileHandle> {
    await fs.mkdir(this.#folder, { recursive: true, mode: 0o700 });
    return fs.open(this.#path, 'a', 0o600);
  }

  /** False once it has another name, which it gets here when it has grown too large. */
  async #isStillIt(handle: FileHandle): Promise<boolean> {
    const [named, ours] = await Promise.all([fs.stat(this.#path).catch(() => null), handle.stat()]);
    if (named?.ino !== ours.ino) return false;
    if (ours.size < this.#bytesMax) return true;
    const time = new Date(this.#clock.nowMs()).toISOString().replaceAll(/[-:.]/g, '');
    const older = path.join(this.#folder, `access-${time}-${this.#worker}.log`);
    // Two may find it too large at the same moment; one of them is first.
    await fs.rename(this.#path, older).catch(() => undefined);
    await this.#prune();
    return false;
  }

  /** Names begin with their time, so their order is their age. */
  async #prune(): Promise<void> {
    const names = await fs.readdir(this.#folder);
    const older = names.filter((name) => /^access-.*\.log$/.test(name)).toSorted();
    for (const name of older.slice(0, -limits.accessLog.olderFilesMax))
      await fs.rm(path.join(this.#folder, name), { force: true });
  }
}
