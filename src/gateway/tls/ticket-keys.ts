/**
 * The keys of TLS session tickets, shared by all workers of all generations through files of their owner's, so that
 * a client may resume with any of them. Each day has its own: who steals it reads little (RFC 5077 s. 5.6). That of
 * the day before is good for the tickets that it made; that of the next is there before any worker uses it.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { limits } from '../../core/limits.ts';

/** What OpenSSL takes: a name, a key for the contents and one for their seal. */
const KEY_BYTES = 48;
const NAME_BYTES = 16;
const FILE = /^tickets-(\d+)\.key$/;

const { ticketKeyForMs, ticketKeyAheadMs } = limits.gateway.tls;

/** What a ticket begins with that was made with this key. */
export const nameOf = (key: Buffer): Buffer => key.subarray(0, NAME_BYTES);

export class TicketKeys {
  readonly #dir: string;
  readonly #nowMs: () => number;
  #current: Buffer | null = null;
  #others: readonly Buffer[] = [];
  #day = -1;

  constructor(dir: string, nowMs: () => number) {
    this.#dir = dir;
    this.#nowMs = nowMs;
  }

  /** Makes tickets. Null before the first `refresh`. */
  get current(): Buffer | null {
    return this.#current;
  }

  /** Only their tickets are taken. */
  get others(): readonly Buffer[] {
    return this.#others;
  }

  /** True when there are others than before. Throws what the file system throws. */
  async refresh(): Promise<boolean> {
    const nowMs = this.#nowMs();
    const day = Math.floor(nowMs / ticketKeyForMs);
    const current = (await this.#read(day)) ?? (await this.#make(day));
    const isLate = (day + 1) * ticketKeyForMs - nowMs < ticketKeyAheadMs;
    const next = (await this.#read(day + 1)) ?? (isLate ? await this.#make(day + 1) : undefined);
    const before = await this.#read(day - 1);
    const others = [before, next].filter((key) => key !== undefined);
    const changed =
      this.#current?.equals(current) !== true ||
      others.length !== this.#others.length ||
      others.some((key, at) => this.#others[at]?.equals(key) !== true);
    this.#current = current;
    this.#others = others;
    if (day !== this.#day) await this.#forget(day);
    this.#day = day;
    return changed;
  }

  #fileOf(day: number): string {
    return path.join(this.#dir, `tickets-${day}.key`);
  }

  async #read(day: number): Promise<Buffer | undefined> {
    const bytes = await fs.readFile(this.#fileOf(day)).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (bytes === undefined || bytes.length === KEY_BYTES) return bytes;
    // Nobody of ours writes such a file: it is in the way.
    await fs.rm(this.#fileOf(day), { force: true });
    return undefined;
  }

  /** Whole or not at all; of several workers that make one the first wins, and all take that. */
  async #make(day: number): Promise<Buffer> {
    await fs.mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const made = path.join(this.#dir, `tickets-${day}.${process.pid}`);
    await fs.writeFile(made, randomBytes(KEY_BYTES), { mode: 0o600 });
    try {
      await fs.link(made, this.#fileOf(day));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    } finally {
      await fs.rm(made, { force: true });
    }
    return fs.readFile(this.#fileOf(day));
  }

  /** What is older than the day before opens nothing any more. */
  async #forget(day: number): Promise<void> {
    const old = (await fs.readdir(this.#dir)).filter((name) => Number(FILE.exec(name)?.[1] ?? day) < day - 1);
    await Promise.all(old.map((name) => fs.rm(path.join(this.#dir, name), { force: true })));
  }
}
