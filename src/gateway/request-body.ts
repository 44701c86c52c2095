/**
 * A client's body on its way to an instance: kept within its limit until one takes it, then passed on no faster
 * than the instance reads.
 */
import { limits } from '../core/limits.ts';
import { BodyCopy } from './body-copy.ts';
import { giveBack } from './give-back.ts';
import { ChunkedBody } from './http1/chunked-body.ts';

const NOTHING = Buffer.alloc(0);

/** Whoever takes the body. */
export interface BodySink {
  /** False: wait before the next part. */
  send(part: Buffer): boolean;
  /** What was sent has left; null: it cannot tell. */
  readonly flushed: boolean | null;
}

const NOBODY: BodySink = { send: () => true, flushed: true };

export class RequestBody {
  readonly #chunks: ChunkedBody | undefined;
  #left: number;
  readonly #backlog: Buffer[] = [];
  #backlogBytes = 0;
  #sink: BodySink | undefined;
  #owned: Buffer[] = [];
  #complete = false;
  #copies: BodyCopy[] | undefined;
  /** Undefined: nothing is kept, or it became too much. */
  #memory: Buffer[] | undefined;
  #memoryBytes = 0;
  #dataBytesMax = Infinity;
  /** It is longer than it may be; `take` said that it is malformed. */
  tooLarge = false;
  /** Of it, framing included, that came until now. */
  receivedBytes = 0;

  /** A length of 0 is no body. */
  constructor(framing: 'chunked' | number) {
    this.#chunks = framing === 'chunked' ? new ChunkedBody({ keepsFraming: true }) : undefined;
    this.#left = framing === 'chunked' ? 0 : framing;
  }

  /** The client has sent all of it. */
  get complete(): boolean {
    return this.#complete;
  }

  /** False: it is longer than that, or will be. From now on no more of it is taken than that. */
  boundTo(dataBytesMax: number): boolean {
    const known = this.#chunks ? this.#chunks.dataBytes : this.receivedBytes + this.#left;
    this.#dataBytesMax = dataBytesMax;
    return known <= dataBytesMax;
  }

  /** Where the part of it in these bytes ends, and the next request begins; undefined: malformed or too large. */
  take(bytes: Buffer, from: number, to: number): number | undefined {
    if (this.#chunks) {
      if (!this.#chunks.pass(bytes, from, to)) return undefined;
      const { readTo, sentTo, dataBytes } = this.#chunks;
      this.tooLarge = dataBytes > this.#dataBytesMax;
      if (this.tooLarge) return undefined;
      this.#complete = this.#chunks.ended;
      this.#pass(bytes, from, sentTo);
      return readTo;
    }
    const part = Math.min(this.#left, to - from);
    this.#left -= part;
    this.#complete = this.#left === 0;
    this.#pass(bytes, from, from + part);
    return from + part;
  }

  /** A copy of all of it, once; undefined when it is longer than that. What waits for an instance is part of it. */
  copyTo(bytesMax: number, act: (copy: Buffer | undefined) => void): void {
    const copy = new BodyCopy(bytesMax, act);
    for (const part of this.#backlog) copy.add(part, false);
    if (this.#complete) copy.add(NOTHING, true);
    else (this.#copies ??= []).push(copy);
  }

  /** What it may come to keep: the part that fills the backlog may be as long again. */
  get keptBytesMax(): number {
    const most = 2 * limits.gateway.bodyBacklogBytesMax;
    return this.#chunks ? most : Math.min(this.receivedBytes + this.#left, most);
  }

  /** These were taken whole, and are nobody else's: they are given back as soon as that can be. */
  own(bytes: Buffer): void {
    this.#owned.push(bytes);
    this.giveBack();
  }

  /** How many wait to be given back. */
  get ownedParts(): number {
    return this.#owned.length;
  }

  /** The memory of what has gone where it was to go; where nobody can tell, the collector has it. */
  giveBack(): void {
    if (this.#sink?.flushed === null) this.#owned = [];
    if (this.#owned.length === 0 || this.#sink?.flushed !== true || this.#memory !== undefined) return;
    for (const bytes of this.#owned) giveBack(bytes);
    this.#owned = [];
  }

  /** As much as is to be kept. */
  get full(): boolean {
    return this.#sink === undefined && this.#backlogBytes >= limits.gateway.bodyBacklogBytesMax;
  }

  /** The first part that waits, if it is small enough to leave with the head. */
  takeWithHead(): Buffer | undefined {
    const first = this.#backlog[0];
    if (first === undefined || first.length > limits.gateway.bodyWithHeadBytesMax) return undefined;
    this.#backlog.shift();
    this.#backlogBytes -= first.length;
    this.#remembered(first);
    return first;
  }

  /** From now on everything goes here, what waits first. */
  attach(sink: BodySink): void {
    // Whoever had it before may still be about to send it.
    if (this.#sink !== undefined) this.#owned = [];
    this.#sink = sink;
    for (const part of this.#backlog.splice(0)) {
      this.#remembered(part);
      this.blocked = !sink.send(part);
    }
    this.#backlogBytes = 0;
  }

  /** What is passed on from now may be wanted again: it is kept, as long as it is little. */
  remember(): void {
    this.#memory ??= [];
  }

  /** As if nothing had been passed on. False: not all of that is here any more. */
  rewind(): boolean {
    const memory = this.#memory;
    if (memory === undefined) return false;
    this.#memory = undefined;
    this.#owned = [];
    this.#sink = undefined;
    this.blocked = false;
    this.#backlog.push(...memory);
    this.#backlogBytes = this.#memoryBytes;
    this.#memoryBytes = 0;
    return true;
  }

  /** Nobody wants it any more. */
  discard(): void {
    this.#dataBytesMax = Infinity;
    this.attach(NOBODY);
  }

  /** Set while the one who takes it is behind. */
  blocked = false;

  #pass(bytes: Buffer, from: number, to: number): void {
    if (from === to) return;
    this.receivedBytes += to - from;
    const part = bytes.subarray(from, to);
    if (this.#copies !== undefined) for (const copy of this.#copies) copy.add(part, this.#complete);
    if (this.#sink) {
      this.#remembered(part);
      this.blocked = !this.#sink.send(part);
    } else {
      this.#backlog.push(part);
      this.#backlogBytes += part.length;
    }
  }

  #remembered(part: Buffer): void {
    if (this.#memory === undefined) return;
    this.#memoryBytes += part.length;
    if (this.#memoryBytes > limits.gateway.bodyBacklogBytesMax) this.#memory = undefined;
    else this.#memory.push(part);
  }
}
