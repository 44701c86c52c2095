import {
  openSync,
  closeSync,
  fstatSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { limits } from '../../../core/limits.ts';

/** Positions count from the oldest byte that this object knew of; they go on over rotations. */
export interface LogSpan {
  readonly from: number;
  readonly to: number;
}

/**
 * The output of one instance and, beside it as `.1`, what it wrote before. The instance holds the file open
 * for appending, so the file is never replaced: it is copied and then emptied in place.
 */
export class LogFile {
  readonly path: string;
  readonly #olderPath: string;
  readonly #partPath: string;
  /** Position of the first byte of the current file. */
  #base: number;
  #rotating = false;

  constructor(path: string) {
    this.path = path;
    this.#olderPath = `${path}.1`;
    this.#partPath = `${path}.1.part`;
    this.#base = sizeOf(this.#olderPath) ?? 0;
  }

  /** Null when the file is gone. */
  span(): LogSpan | null {
    const size = sizeOf(this.path);
    if (size === null) return null;
    return { from: this.#base - (sizeOf(this.#olderPath) ?? 0), to: this.#base + size };
  }

  /** At least one byte when there is one at the position. Synchronous: no rotation can come between. */
  read(at: number, bytesMax: number): Buffer {
    const from = this.#base - (sizeOf(this.#olderPath) ?? 0);
    const [path, offset] = at < this.#base ? [this.#olderPath, at - from] : [this.path, at - this.#base];
    const source = openSync(path, 'r');
    try {
      const bytes = Buffer.allocUnsafe(bytesMax);
      return bytes.subarray(0, readSync(source, bytes, 0, bytesMax, offset));
    } finally {
      closeSync(source);
    }
  }

  /** Keeps the newest `bytesMax` bytes as the older file and empties the current one, once it is larger. */
  async rotate(bytesMax: number): Promise<void> {
    const size = sizeOf(this.path) ?? 0;
    if (size <= bytesMax || this.#rotating) return;
    this.#rotating = true;
    try {
      await this.#copyTail(this.path, bytesMax, (source, part, at) => this.#finish(source, part, at));
      // What came while it was copied is in it as well.
      if ((sizeOf(this.#olderPath) ?? 0) > bytesMax)
        await this.#copyTail(this.#olderPath, bytesMax, () => renameSync(this.#partPath, this.#olderPath));
    } catch (error) {
      // Most likely the disk is full: what is oldest goes, and the next try has its room.
      rmSync(this.#partPath, { force: true });
      rmSync(this.#olderPath, { force: true });
      throw error;
    } finally {
      this.#rotating = false;
    }
  }

  async #copyTail(
    path: string,
    bytesMax: number,
    finish: (source: number, part: number, copied: number) => void,
  ): Promise<void> {
    const source = openSync(path, 'r');
    const part = openSync(this.#partPath, 'w', 0o600);
    try {
      const { size } = fstatSync(source);
      finish(source, part, await copyInTurns(source, part, lineStart(source, size - bytesMax), size));
    } finally {
      closeSync(part);
      closeSync(source);
    }
  }

  /** From the last look to the cut nothing else runs here; only what is written in that instant is lost. */
  #finish(source: number, part: number, copied: number): void {
    let at = copied;
    for (let tries = 0; tries < limits.log.catchUpTriesMax; tries += 1) {
      const { size } = fstatSync(source);
      if (size <= at) break;
      at = copyRange(source, part, at, size);
    }
    renameSync(this.#partPath, this.#olderPath);
    truncateSync(this.path);
    this.#base += at;
  }
}

/** The start of the first whole line at or after a position, unless there is none near. */
function lineStart(source: number, from: number): number {
  const chunk = Buffer.allocUnsafe(limits.log.copyChunkBytes);
  const before = from - 1;
  const end = chunk.subarray(0, readSync(source, chunk, 0, chunk.length, before)).indexOf('\n');
  return end < 0 ? from : before + end + 1;
}

async function copyInTurns(source: number, target: number, from: number, to: number): Promise<number> {
  let at = from;
  while (at < to) {
    const next = copyRange(source, target, at, Math.min(to, at + limits.log.copyChunkBytes));
    if (next === at) break;
    at = next;
    await setImmediate();
  }
  return at;
}

function copyRange(source: number, target: number, from: number, to: number): number {
  const chunk = Buffer.allocUnsafe(Math.min(limits.log.copyChunkBytes, to - from));
  let at = from;
  while (at < to) {
    const count = readSync(source, chunk, 0, Math.min(chunk.length, to - at), at);
    if (count === 0) break;
    for (let written = 0; written < count;) written += writeSync(target, chunk, written, count - written);
    at += count;
  }
  return at;
}

function sizeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null;
}
