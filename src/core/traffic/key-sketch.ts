/**
 * How many different keys came, in bounded memory: each sets the bit of its hash, so the bits that are set are at most
 * as many as there were keys. Sets of several counters, or of one that began anew, are put together by their bits, so
 * whoever comes twice counts once, whoever counted it (T5). As text it travels in reports: six bits a character.
 */
const CHARS = 1_365;
const BITS_PER_CHAR = 6;
export const KEY_BITS = CHARS * BITS_PER_CHAR;
export const KEY_TEXT = /^[\w-]*$/;
export const KEY_CHARS_MAX = CHARS;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const VALUES = new Map(Array.from(ALPHABET, (char, value) => [char, value]));
const valueAt = (text: string, at: number): number => VALUES.get(text[at] ?? 'A') ?? 0;

export class KeySketch {
  readonly #bits = new Uint8Array(CHARS);

  /** True: nobody with this bit came before. */
  add(hash: number): boolean {
    const bit = hash % KEY_BITS;
    const at = Math.floor(bit / BITS_PER_CHAR);
    const before = this.#bits[at] ?? 0;
    const after = before | (1 << (bit % BITS_PER_CHAR));
    this.#bits[at] = after;
    return after !== before;
  }

  get text(): string {
    return textOf((at) => this.#bits[at] ?? 0);
  }
}

export function mergeKeys(a = '', b = ''): string {
  if (a === '' || b === '') return a === '' ? b : a;
  return textOf((at) => valueAt(a, at) | valueAt(b, at));
}

/** Those of `now` that `before` does not have. */
export function keysBeyond(before = '', now = ''): string {
  if (before === '' || now === '') return now;
  return textOf((at) => valueAt(now, at) & ~valueAt(before, at));
}

/** At most as many as there were. */
export function countKeys(text = ''): number {
  let count = 0;
  for (const char of text) for (let left = VALUES.get(char) ?? 0; left > 0; left &= left - 1) count += 1;
  return count;
}

/** Empty for none. */
function textOf(valueOf: (at: number) => number): string {
  let text = '';
  let some = false;
  for (let at = 0; at < CHARS; at += 1) {
    const value = valueOf(at);
    some ||= value > 0;
    text += ALPHABET[value] ?? '';
  }
  return some ? text : '';
}
