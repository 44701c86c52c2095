/**
 * Ids of requests and of traces that begin here: 128 bits, of which 64 belong to this process and 64 to the
 * request. Those are a number that is counted up, mixed so that nobody can tell one from the next; as the mixing
 * can be undone, no two requests share one. Made from the number whenever it is needed: nothing is kept.
 */
import { randomFillSync } from 'node:crypto';

const WORD = 2 ** 32;
const HEX = Buffer.from('0123456789abcdef', 'latin1');
const ROUNDS = 4;

export class RequestIds {
  /** The process's half, in hexadecimal. */
  readonly prefix: Buffer;
  readonly #keys: Int32Array;
  #serial: number;
  #high = 0;
  #low = 0;

  /** Six words by chance: two for the process, four to mix with. */
  constructor(chance: Int32Array) {
    this.#keys = chance.slice(2, 2 + ROUNDS);
    this.prefix = Buffer.alloc(16);
    writeHex(this.prefix, 0, chance[0] ?? 0);
    writeHex(this.prefix, 8, chance[1] ?? 0);
    this.#serial = 0;
  }

  next(): number {
    this.#serial += 1;
    return this.#serial;
  }

  /** The request's half, in 16 hexadecimal digits. */
  write(serial: number, into: Buffer, at: number): void {
    this.#mix(serial);
    writeHex(into, at, this.#high);
    writeHex(into, at + 8, this.#low);
  }

  /** All of it, for people. */
  text(serial: number): string {
    const half = Buffer.alloc(16);
    this.write(serial, half, 0);
    return this.prefix.toString('latin1') + half.toString('latin1');
  }

  /** A Feistel network: whatever its function, it maps one to one. */
  #mix(serial: number): void {
    let high = Math.floor(serial / WORD) | 0;
    let low = serial | 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      let mixed = Math.imul(low ^ (this.#keys[round] ?? 0), 0x9e3779b1);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca77);
      mixed ^= mixed >>> 13;
      const next = high ^ mixed;
      high = low;
      low = next;
    }
    this.#high = high;
    this.#low = low;
  }
}

function writeHex(into: Buffer, at: number, word: number): void {
  for (let digit = 0; digit < 8; digit += 1) {
    into[at + digit] = HEX[(word >>> (28 - 4 * digit)) & 15] ?? 0;
  }
}

/** Of this process. */
export const requestIds = new RequestIds(randomFillSync(new Int32Array(2 + ROUNDS)));
