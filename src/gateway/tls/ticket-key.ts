/**
 * The key of TLS session tickets, shared by all workers of all generations through a file of its owner's, so that
 * a client may resume with any of them. Made anew each day: who steals it reads little (RFC 5077 s. 5.6).
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { limits } from '../../core/limits.ts';
import { nowMs } from '../clock.ts';

/** What OpenSSL takes: a name, a key for the contents and one for their seal. */
const KEY_BYTES = 48;

export class TicketKey {
  readonly #file: string;
  #bytes: Buffer | null = null;

  constructor(file: string) {
    this.#file = file;
  }

  /** Null before the first `refresh`. */
  get bytes(): Buffer | null {
    return this.#bytes;
  }

  /** True when it is another one than before. Throws what the file system throws. */
  async refresh(): Promise<boolean> {
    const bytes = (await this.#read()) ?? (await this.#make());
    const changed = this.#bytes === null || !bytes.equals(this.#bytes);
    this.#bytes = bytes;
    return changed;
  }

  /** Undefined: none, or too old. */
  async #read(): Promise<Buffer | undefined> {
    try {
      const { mtimeMs } = await fs.stat(this.#file);
      if (Math.abs(nowMs() - mtimeMs) > limits.gateway.tls.ticketKeyForMs) return undefined;
      const bytes = await fs.readFile(this.#file);
      return bytes.length === KEY_BYTES ? bytes : undefined;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Whole or not at all; of several workers that make one the last wins, and all read that. */
  async #make(): Promise<Buffer> {
    await fs.mkdir(path.dirname(this.#file), { recursive: true, mode: 0o700 });
    const made = `${this.#file}.${process.pid}`;
    await fs.writeFile(made, randomBytes(KEY_BYTES), { mode: 0o600 });
    await fs.rename(made, this.#file);
    return fs.readFile(this.#file);
  }
}
