/**
 * A chunked body on its way through (RFC 9112 s. 7.1). It is passed on in the buffer it came in, less what is to
 * be left out: chunk extensions always, and all framing when the other side gets only the data.
 *
 * Keeps T6: sizes are hexadecimal digits and nothing else, every line ends in CR LF, nothing stands between a
 * chunk and its CR LF, a trailer is no field that frames, addresses or authorizes.
 */
import { limits } from '../../core/limits.ts';
import { COLON, CR, HEX, LF, SEMICOLON, TOKEN, TOKEN_UNDERSCORE, VALUE } from './bytes.ts';
import { fieldOf, isDisguised, isHarmless } from './field.ts';

/** Hexadecimal digits of a size that a number holds exactly. */
const SIZE_DIGITS_MAX = 13;
/** As long as the longest name that `fieldOf` knows. */
const NAME_BYTES = 17;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const STATE = {
  size: 0,
  sizeLf: 1,
  data: 2,
  dataCr: 3,
  dataLf: 4,
  extensionName: 5,
  extensionValue: 6,
  extensionToken: 7,
  extensionQuoted: 8,
  extensionEscaped: 9,
  extensionUnquoted: 10,
  trailer: 11,
  trailerName: 12,
  trailerValue: 13,
  trailerLf: 14,
  endLf: 15,
} as const;

type Step = 'keep' | 'drop' | 'malformed';

interface DataTaker {
  add(part: Buffer): void;
}

export class ChunkedBody {
  readonly keepsFraming: boolean;
  /** Bytes of the trailer section; undefined: nobody asked. */
  readonly trailer: number[] | undefined;
  /** Takes the data of all chunks; null: nobody wants it. */
  readonly #digest: DataTaker | null;
  #state: number = STATE.size;
  #left = 0;
  #sizeDigits = 0;
  #nameBytes = 0;
  #nameSeen = 0;
  #name: Buffer | undefined;
  #extensionBytes = 0;
  #trailerBytes = 0;
  ended = false;
  /** Of all chunks so far. */
  dataBytes = 0;
  /** Where the last `pass` stopped reading, and the end of what is to be sent, which begins where it began. */
  readTo = 0;
  sentTo = 0;

  constructor(options: { keepsFraming: boolean; keepsTrailer?: boolean; digest?: DataTaker | null }) {
    this.keepsFraming = options.keepsFraming;
    this.#digest = options.digest ?? null;
    this.trailer = options.keepsTrailer ? [] : undefined;
  }

  /** False: malformed. */
  pass(bytes: Buffer, from: number, to: number): boolean {
    let at = from;
    let out = from;
    while (at < to && !this.ended) {
      if (this.#state === STATE.data) {
        const part = Math.min(this.#left, to - at);
        if (this.#digest !== null) this.#digest.add(bytes.subarray(at, at + part));
        if (out !== at) bytes.copyWithin(out, at, at + part);
        at += part;
        out += part;
        this.#left -= part;
        this.dataBytes += part;
        if (this.#left === 0) this.#state = STATE.dataCr;
        continue;
      }
      const byte = bytes[at] ?? 0;
      at += 1;
      const step = this.#step(byte);
      if (step === 'malformed') return false;
      if (this.trailer !== undefined && this.#state >= STATE.trailer) this.trailer.push(byte);
      if (step === 'drop' || !this.keepsFraming) continue;
      bytes[out] = byte;
      out += 1;
    }
    this.readTo = at;
    this.sentTo = out;
    return true;
  }

  #step(byte: number): Step {
    switch (this.#state) {
      case STATE.size:
        return this.#size(byte);
      case STATE.sizeLf:
        if (byte !== LF) return 'malformed';
        this.#state = this.#left > 0 ? STATE.data : STATE.trailer;
        this.#sizeDigits = 0;
        return 'keep';
      case STATE.dataCr:
        return this.#expect(byte, CR, STATE.dataLf);
      case STATE.dataLf:
        return this.#expect(byte, LF, STATE.size);
      case STATE.trailer:
      case STATE.trailerName:
      case STATE.trailerValue:
      case STATE.trailerLf:
        return this.#trailer(byte);
      case STATE.endLf:
        this.ended = byte === LF;
        return this.ended ? 'keep' : 'malformed';
      default:
        return this.#extension(byte);
    }
  }

  #expect(byte: number, wanted: number, next: number): Step {
    if (byte !== wanted) return 'malformed';
    this.#state = next;
    return 'keep';
  }

  #size(byte: number): Step {
    const digit = HEX[byte] ?? 0;
    if (digit > 0) {
      this.#sizeDigits += 1;
      if (this.#sizeDigits > SIZE_DIGITS_MAX) return 'malformed';
      this.#left = this.#left * 16 + digit - 1;
      return 'keep';
    }
    if (this.#sizeDigits === 0) return 'malformed';
    if (byte === SEMICOLON) {
      this.#state = STATE.extensionName;
      return this.#countExtension(0);
    }
    return this.#expect(byte, CR, STATE.sizeLf);
  }

  /** `;name`, `;name=token`, `;name="quoted"`, without blanks. */
  #extension(byte: number): Step {
    const isToken = TOKEN[byte] !== 0;
    const nameBytes = this.#nameBytes;
    switch (this.#state) {
      case STATE.extensionName:
        if (isToken) return this.#countExtension(nameBytes + 1);
        if (nameBytes === 0) return 'malformed';
        if (byte !== EQUALS) return this.#endExtension(byte);
        return this.#countExtension(0, STATE.extensionValue);
      case STATE.extensionValue:
        if (byte === QUOTE) return this.#countExtension(0, STATE.extensionQuoted);
        return isToken ? this.#countExtension(0, STATE.extensionToken) : 'malformed';
      case STATE.extensionToken:
        return isToken ? this.#countExtension(0) : this.#endExtension(byte);
      case STATE.extensionQuoted:
        if (byte === QUOTE) return this.#countExtension(0, STATE.extensionUnquoted);
        if (byte === BACKSLASH) return this.#countExtension(0, STATE.extensionEscaped);
        return VALUE[byte] === 1 ? this.#countExtension(0) : 'malformed';
      case STATE.extensionEscaped:
        return VALUE[byte] === 1 ? this.#countExtension(0, STATE.extensionQuoted) : 'malformed';
      default:
        return this.#endExtension(byte);
    }
  }

  #endExtension(byte: number): Step {
    if (byte === SEMICOLON) return this.#countExtension(0, STATE.extensionName);
    this.#nameBytes = 0;
    return this.#expect(byte, CR, STATE.sizeLf);
  }

  /** Bytes that say nothing are counted, or a body of them would cost work without end. */
  #countExtension(nameBytes: number, next = this.#state): Step {
    this.#extensionBytes += 1;
    if (this.#extensionBytes > limits.gateway.chunkExtensionBytesMax) return 'malformed';
    this.#nameBytes = nameBytes;
    this.#state = next;
    return 'drop';
  }

  #trailer(byte: number): Step {
    this.#trailerBytes += 1;
    if (this.#trailerBytes > limits.gateway.trailerBytesMax) return 'malformed';
    switch (this.#state) {
      case STATE.trailer:
        if (byte === CR) return this.#expect(byte, CR, STATE.endLf);
        this.#nameBytes = 0;
        this.#nameSeen = 0;
        this.#state = STATE.trailerName;
        return this.#trailerName(byte);
      case STATE.trailerName:
        return this.#trailerName(byte);
      case STATE.trailerValue:
        if (VALUE[byte] === 1) return 'keep';
        return this.#expect(byte, CR, STATE.trailerLf);
      default:
        return this.#expect(byte, LF, STATE.trailer);
    }
  }

  #trailerName(byte: number): Step {
    const mark = TOKEN[byte] ?? 0;
    if (mark === 0) {
      return this.#nameBytes === 0 || this.#isForbidden()
        ? 'malformed'
        : this.#expect(byte, COLON, STATE.trailerValue);
    }
    this.#name ??= Buffer.alloc(NAME_BYTES);
    if (this.#nameBytes < NAME_BYTES) this.#name[this.#nameBytes] = byte;
    this.#nameBytes += 1;
    this.#nameSeen |= mark;
    return 'keep';
  }

  /** RFC 9110 s. 6.5.1: a receiver that merges trailers into the head must not be told another message. */
  #isForbidden(): boolean {
    const name = this.#name;
    if (name === undefined || this.#nameBytes > NAME_BYTES) return false;
    if (!isHarmless(fieldOf(name, 0, this.#nameBytes))) return true;
    return (this.#nameSeen & TOKEN_UNDERSCORE) !== 0 && isDisguised(name, 0, this.#nameBytes);
  }
}
