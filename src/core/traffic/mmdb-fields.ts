/**
 * One section of a file in MaxMind's format (MaxMind DB 2.0, "Output Data Section"): self-describing fields, some of
 * which only point to others. Nothing is made of them but what is asked for. Offsets are from the section's start;
 * what does not fit into the section throws.
 */

/** Types of fields. */
const POINTER = 1;
const TEXT = 2;
const MAP = 7;
const ARRAY = 11;
const BOOLEAN = 14;
/** Whose contents are a number, the most significant byte first: uint16, uint32 and uint64. */
const NUMBERS = new Set([5, 6, 9]);

/** Text that is longer says nothing that is asked for. */
const TEXT_BYTES_MAX = 64;

interface Field {
  readonly type: number;
  /** Bytes of its contents; of maps and arrays, how many they hold. */
  readonly size: number;
  /** Where its contents begin. */
  readonly from: number;
}

export class MmdbFields {
  readonly #bytes: Uint8Array;

  constructor(section: Uint8Array) {
    this.#bytes = section;
  }

  /** Where the value for a key is, in the map at an offset; undefined: none, or no map. */
  entry(map: number, key: string): number | undefined {
    const { type, size, from } = this.#resolved(map);
    if (type !== MAP) return undefined;
    let at = from;
    for (let left = size; left > 0; left -= 1) {
      const value = this.#endOf(at);
      if (this.text(at) === key) return value;
      at = this.#endOf(value);
    }
    return undefined;
  }

  text(at: number): string | undefined {
    const { type, size, from } = this.#resolved(at);
    if (type !== TEXT || size > TEXT_BYTES_MAX) return undefined;
    let text = '';
    for (let i = 0; i < size; i += 1) text += String.fromCharCode(this.#byte(from + i));
    return text;
  }

  /** Exact up to 2^53. */
  number(at: number): number | undefined {
    const { type, size, from } = this.#resolved(at);
    return NUMBERS.has(type) && size <= 8 ? this.#unsigned(from, size) : undefined;
  }

  /** A pointer never leads to another one. */
  #resolved(at: number): Field {
    const field = this.#field(at);
    if (field.type !== POINTER) return field;
    const target = this.#field(this.#targetOf(field));
    if (target.type === POINTER) throw new RangeError('a pointer leads to a pointer');
    return target;
  }

  #field(at: number): Field {
    const control = this.#byte(at);
    const short = control >> 5;
    const isLong = short === 0;
    const type = isLong ? 7 + this.#byte(at + 1) : short;
    const from = at + (isLong ? 2 : 1);
    const size = control & 0x1f;
    if (type === POINTER || size < 29) return { type, size, from };
    const more = size - 28;
    const least = [29, 285, 65_821][more - 1] ?? 0;
    return { type, size: least + this.#unsigned(from, more), from: from + more };
  }

  /** The two upper bits of its size say how many bytes follow, the three others are part of the address. */
  #targetOf({ size, from }: Field): number {
    const bytes = (size >> 3) + 1;
    const low = this.#unsigned(from, bytes);
    const high = size & 0x07;
    switch (bytes) {
      case 1:
        return high * 2 ** 8 + low;
      case 2:
        return high * 2 ** 16 + low + 2_048;
      case 3:
        return high * 2 ** 24 + low + 526_336;
      default:
        return low;
    }
  }

  /** Where the field at an offset ends, with all that it holds. Linear, however it is nested. */
  #endOf(start: number): number {
    let at = start;
    for (let left = 1; left > 0; left -= 1) {
      const { type, size, from } = this.#field(at);
      at = from;
      if (type === MAP) left += 2 * size;
      else if (type === ARRAY) left += size;
      else if (type === POINTER) at += (size >> 3) + 1;
      else if (type !== BOOLEAN) at += size;
    }
    return at;
  }

  #unsigned(from: number, bytes: number): number {
    let value = 0;
    for (let i = 0; i < bytes; i += 1) value = value * 256 + this.#byte(from + i);
    return value;
  }

  #byte(at: number): number {
    const byte = this.#bytes[at];
    if (byte === undefined) throw new RangeError('a field goes beyond its section');
    return byte;
  }
}
