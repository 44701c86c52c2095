/**
 * The field lines of a head, found in one pass. What is found are numbers: where each line begins and what it is.
 * Valid until the next scan; nobody keeps it.
 *
 * Keeps T6: a name is a token right before its colon, a line ends in CR LF and never goes on in the next one, a
 * value has no control characters, no field that frames or addresses the message is there twice or in disguise.
 */
import { limits } from '../../core/limits.ts';
import {
  COLON,
  COMMA,
  CR,
  equalsIgnoringCase,
  DELETE,
  HTAB,
  isBlank,
  isDigit,
  LF,
  SPACE,
  TOKEN,
  TOKEN_UNDERSCORE,
  ZERO,
} from './bytes.ts';
import { FIELD, fieldOf, isDisguised, mayBeNamed } from './field.ts';
import type { Scan } from './refusal.ts';

/** Digits of a length that a number holds exactly. */
const LENGTH_DIGITS_MAX = 15;

/** The first byte that belongs to no value: what `VALUE` says, without asking it for every byte of a head. */
function valueEnd(bytes: Buffer, from: number, to: number): number {
  let at = from;
  for (; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    if ((byte < SPACE && byte !== HTAB) || byte === DELETE) break;
  }
  return at;
}

export class Fields {
  /** Where each line begins; the one after the last is the blank line. */
  readonly starts = new Int32Array(limits.gateway.headFieldsMax + 1);
  readonly colons = new Int32Array(limits.gateway.headFieldsMax);
  readonly kinds = new Uint8Array(limits.gateway.headFieldsMax);
  count = 0;
  /** After the blank line. */
  end = 0;
  /** Of the value of the field last read by `seek`, without blanks around it. */
  valueFrom = 0;
  valueTo = 0;
  /** -1: none. */
  contentLength = -1;
  chunked = false;
  hosts = 0;
  /** A bit for each kind that is there. */
  #present = 0;
  /** What `Connection` says. */
  close = false;
  keepAlive = false;
  upgrade = false;
  #names = false;
  #coded = false;

  /** From the first field line on. */
  scan(bytes: Buffer, from: number, to: number): Scan {
    this.#reset();
    let at = from;
    while (at < to) {
      const first = bytes[at] ?? 0;
      if (first === CR) {
        if (at + 1 >= to) return 'incomplete';
        if (bytes[at + 1] !== LF) return 'malformed';
        this.starts[this.count] = at;
        this.end = at + 2;
        if (this.#names) this.#markNamed(bytes);
        return this.#coded && this.contentLength >= 0 ? 'malformed' : 'complete';
      }
      if (this.count === limits.gateway.headFieldsMax) return 'head-too-large';
      const start = at;
      let seen = 0;
      let mark = TOKEN[first] ?? 0;
      while (mark !== 0) {
        seen |= mark;
        at += 1;
        if (at >= to) return 'incomplete';
        mark = TOKEN[bytes[at] ?? 0] ?? 0;
      }
      if (bytes[at] !== COLON || at === start) return 'malformed';
      const colon = at;
      at += 1;
      at = valueEnd(bytes, at, to);
      if (at >= to) return 'incomplete';
      if (bytes[at] !== CR) return 'malformed';
      if (at + 1 >= to) return 'incomplete';
      if (bytes[at + 1] !== LF) return 'malformed';
      const taken = this.#take(bytes, start, colon, at, seen);
      if (taken !== 'complete') return taken;
      at += 2;
    }
    return 'incomplete';
  }

  /** One of these kinds is there. */
  has(kind: number, other = kind, third = kind): boolean {
    return (this.#present & ((1 << kind) | (1 << other) | (1 << third))) !== 0;
  }

  /** One of the kinds of these bits is there. */
  hasAny(bits: number): boolean {
    return (this.#present & bits) !== 0;
  }

  /** The line of the first field of this kind; -1: none. Its value is at `valueFrom`, `valueTo`. */
  seek(bytes: Buffer, kind: number): number {
    if (!this.has(kind)) return -1;
    for (let i = 0; i < this.count; i += 1) {
      if (this.kinds[i] !== kind) continue;
      this.trim(bytes, i);
      return i;
    }
    return -1;
  }

  /** The value of a line, without blanks around it. */
  trim(bytes: Buffer, line: number): void {
    this.#trim(bytes, (this.colons[line] ?? 0) + 1, (this.starts[line + 1] ?? 0) - 2);
  }

  #reset(): void {
    this.count = 0;
    this.end = 0;
    this.contentLength = -1;
    this.chunked = false;
    this.hosts = 0;
    this.#present = 0;
    this.close = false;
    this.keepAlive = false;
    this.upgrade = false;
    this.#names = false;
    this.#coded = false;
  }

  #take(bytes: Buffer, start: number, colon: number, end: number, seen: number): Scan {
    const kind = fieldOf(bytes, start, colon);
    this.starts[this.count] = start;
    this.colons[this.count] = colon;
    this.kinds[this.count] = kind;
    this.count += 1;
    this.#present |= 1 << kind;
    switch (kind) {
      case FIELD.other:
        return (seen & TOKEN_UNDERSCORE) !== 0 && isDisguised(bytes, start, colon) ? 'malformed' : 'complete';
      case FIELD.host:
        this.hosts += 1;
        return 'complete';
      case FIELD.contentLength:
        return this.#takeLength(bytes, colon + 1, end);
      case FIELD.transferEncoding:
        return this.#takeCoding(bytes, colon + 1, end);
      case FIELD.connection:
        this.#takeConnection(bytes, colon + 1, end);
        return 'complete';
      default:
        return 'complete';
    }
  }

  /** RFC 9112 s. 6.3: digits only. One way to write a number: no sign, no list, no second field, no leading zero. */
  #takeLength(bytes: Buffer, from: number, to: number): Scan {
    this.#trim(bytes, from, to);
    const digits = this.valueTo - this.valueFrom;
    if (this.contentLength >= 0 || digits === 0 || digits > LENGTH_DIGITS_MAX) return 'malformed';
    if (bytes[this.valueFrom] === ZERO && digits > 1) return 'malformed';
    let length = 0;
    for (let at = this.valueFrom; at < this.valueTo; at += 1) {
      const byte = bytes[at] ?? 0;
      if (!isDigit(byte)) return 'malformed';
      length = length * 10 + (byte - ZERO);
    }
    this.contentLength = length;
    return 'complete';
  }

  /** Once, and without tabs: readers differ on whether a tab belongs to the value. */
  #takeCoding(bytes: Buffer, from: number, to: number): Scan {
    for (let at = from; at < to; at += 1) if (bytes[at] === HTAB) return 'malformed';
    this.#trim(bytes, from, to);
    if (this.#coded) return 'malformed';
    this.#coded = true;
    this.chunked = equalsIgnoringCase(bytes, this.valueFrom, this.valueTo, 'chunked');
    return this.chunked ? 'complete' : 'coding-unknown';
  }

  #takeConnection(bytes: Buffer, from: number, to: number): void {
    let at = from;
    while (at < to) {
      let end = at;
      while (end < to && bytes[end] !== COMMA) end += 1;
      this.#trim(bytes, at, end);
      if (equalsIgnoringCase(bytes, this.valueFrom, this.valueTo, 'close')) this.close = true;
      else if (equalsIgnoringCase(bytes, this.valueFrom, this.valueTo, 'keep-alive')) this.keepAlive = true;
      else if (equalsIgnoringCase(bytes, this.valueFrom, this.valueTo, 'upgrade')) this.upgrade = true;
      else this.#names = true;
      at = end + 1;
    }
  }

  /** Rare: `Connection` names fields that are to stay on this connection. A head has room for ten thousand names. */
  #markNamed(bytes: Buffer): void {
    const names = new Set<string>();
    for (let line = 0; line < this.count; line += 1) {
      if (this.kinds[line] !== FIELD.connection) continue;
      this.trim(bytes, line);
      const options = bytes.toString('latin1', this.valueFrom, this.valueTo).toLowerCase().split(',');
      for (const option of options) names.add(option.trim());
    }
    for (let line = 0; line < this.count; line += 1) {
      const kind = this.kinds[line] ?? 0;
      if (kind === FIELD.connection || !mayBeNamed(kind)) continue;
      const name = bytes.toString('latin1', this.starts[line], this.colons[line]).toLowerCase();
      if (names.has(name)) this.kinds[line] = FIELD.named;
    }
  }

  #trim(bytes: Buffer, from: number, to: number): void {
    let start = from;
    let end = to;
    while (start < end && isBlank(bytes[start] ?? 0)) start += 1;
    while (end > start && (bytes[end - 1] === SPACE || bytes[end - 1] === HTAB)) end -= 1;
    this.valueFrom = start;
    this.valueTo = end;
  }
}
