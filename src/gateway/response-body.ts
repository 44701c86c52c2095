/**
 * A response's body on its way to the client, in the buffer it was read into. The framing of the instance is
 * checked (T6) and kept where the client can read it: a body that ends with its connection is put into chunks, so
 * that the client's connection outlives it (T4), and chunks are taken apart for HTTP/1.0.
 */
import type { BodyDigest } from './body-digest.ts';
import type { EventCut } from './event-stream.ts';
import { ChunkedBody } from './http1/chunked-body.ts';
import type { Framing } from './http1/framing.ts';

const CR = 0x0d;
const LF = 0x0a;
const LAST_CHUNK = Buffer.from('0\r\n\r\n', 'latin1');

export interface BodyOptions {
  readonly framing: Framing;
  /** For the framing `length`. */
  readonly length: number;
  /** HTTP/1.x, the client's. */
  readonly minor: number;
  /** Set for a stream of events whose ends can be seen. */
  readonly events: EventCut | undefined;
  /** Takes the data; null: nobody compares it. */
  readonly digest: BodyDigest | null;
}

export class ResponseBody {
  readonly #framing: Framing;
  readonly #chunks: ChunkedBody | undefined;
  readonly #events: EventCut | undefined;
  /** Where there are no chunks. */
  readonly #digest: BodyDigest | null;
  /** Data is put into chunks of our own. */
  readonly #wraps: boolean;
  #left: number;
  /** Everything that is to be sent was seen. */
  done: boolean;
  /** The instance said more than its response, or was stopped before the end. */
  spoiled = false;
  /** What the last `pass` wants sent. */
  sentFrom = 0;
  sentTo = 0;

  constructor({ framing, length, minor, events, digest }: BodyOptions) {
    const isOpen = framing === 'chunked' || framing === 'close';
    const keepsChunks = framing === 'chunked' && minor === 1 && events === undefined;
    this.#framing = framing;
    this.#events = events;
    this.#digest = digest;
    this.#chunks = framing === 'chunked' ? new ChunkedBody({ keepsFraming: keepsChunks, digest }) : undefined;
    this.#wraps = isOpen && minor === 1 && !keepsChunks;
    this.#left = framing === 'length' ? length : 0;
    this.done = framing === 'none' || (framing === 'length' && length === 0);
  }

  /** The client is told that chunks come. */
  get chunked(): boolean {
    return this.#wraps || (this.#chunks !== undefined && this.keepsClient);
  }

  /** The client can tell where it ends. */
  get keepsClient(): boolean {
    return this.#wraps || this.#chunks?.keepsFraming === true || !this.#isOpen;
  }

  get #isOpen(): boolean {
    return this.#framing === 'chunked' || this.#framing === 'close';
  }

  /** The instance's connection says where it ends, and cannot be used again. */
  get endsConnection(): boolean {
    return this.#framing === 'close';
  }

  /** False: malformed. There has to be room around the bytes for the framing of a chunk. */
  pass(bytes: Buffer, from: number, to: number): boolean {
    this.sentFrom = from;
    this.sentTo = from;
    if (this.done) {
      this.spoiled ||= to > from;
      return true;
    }
    if (!this.#take(bytes, from, to)) return false;
    if (this.#events) this.#cutEvents(bytes, this.#events);
    if (this.#wraps) this.#wrap(bytes);
    return true;
  }

  /** The instance ended its side. What is to be sent then; undefined: the response is not whole. */
  end(): Buffer | undefined {
    if (this.#framing !== 'close') return undefined;
    return this.stop();
  }

  /** Makes what was sent so far the whole response. */
  stop(): Buffer {
    this.spoiled ||= !this.done;
    this.done = true;
    return this.#wraps ? LAST_CHUNK : LAST_CHUNK.subarray(0, 0);
  }

  #take(bytes: Buffer, from: number, to: number): boolean {
    if (this.#chunks) {
      if (!this.#chunks.pass(bytes, from, to)) return false;
      this.sentTo = this.#chunks.sentTo;
      this.done = this.#chunks.ended;
      this.spoiled = this.#chunks.readTo < to;
      return true;
    }
    if (this.#framing === 'close') {
      this.sentTo = to;
    } else {
      const part = Math.min(this.#left, to - from);
      this.#left -= part;
      this.sentTo = from + part;
      this.done = this.#left === 0;
      this.spoiled = this.sentTo < to;
    }
    if (this.#digest !== null) this.#digest.add(bytes.subarray(from, this.sentTo));
    return true;
  }

  /** After the last event that is to be sent, the response is made whole (T3). */
  #cutEvents(bytes: Buffer, events: EventCut): void {
    const end = events.take(bytes.subarray(this.sentFrom, this.sentTo));
    if (end === undefined) return;
    this.sentTo = this.sentFrom + end;
    this.spoiled ||= !this.done;
    this.done = true;
  }

  #wrap(bytes: Buffer): void {
    const size = this.sentTo - this.sentFrom;
    if (size > 0) {
      const line = `${size.toString(16)}\r\n`;
      this.sentFrom -= line.length;
      bytes.write(line, this.sentFrom, 'latin1');
      bytes[this.sentTo] = CR;
      bytes[this.sentTo + 1] = LF;
      this.sentTo += 2;
    }
    if (!this.done) return;
    LAST_CHUNK.copy(bytes, this.sentTo);
    this.sentTo += LAST_CHUNK.length;
  }
}
