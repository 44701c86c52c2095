/** Just enough of WebSocket framing (RFC 6455 s. 5.2) to know where a frame ends and what it is. */
const CLOSE = 0x8;
const HEADER_BYTES_MAX = 14;

export class FrameTracker {
  readonly #header = Buffer.alloc(HEADER_BYTES_MAX);
  #headerBytes = 0;
  #payloadLeft = 0;
  #opcode = 0;
  #closed = false;

  /** Between two frames, where a control frame may be put in, even inside a fragmented message (s. 5.4). */
  get atBoundary(): boolean {
    return this.#headerBytes === 0 && this.#payloadLeft === 0;
  }

  /** A whole close frame went by. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Takes the whole chunk as sent. */
  pass(chunk: Buffer): void {
    let from = 0;
    while (from < chunk.length) {
      const end = this.nextEnd(chunk, from);
      if (end === undefined) return;
      from = end;
    }
  }

  /** The offset after the next end of a frame, counted as sent up to there; undefined: all sent, none ended. */
  nextEnd(chunk: Buffer, from: number): number | undefined {
    let at = from;
    while (at < chunk.length) {
      if (this.#payloadLeft > 0) {
        const step = Math.min(this.#payloadLeft, chunk.length - at);
        this.#payloadLeft -= step;
        at += step;
        if (this.#payloadLeft === 0) return this.#frameEnded(at);
      } else {
        this.#header[this.#headerBytes] = chunk[at] ?? 0;
        this.#headerBytes += 1;
        at += 1;
        if (this.#headerComplete() && this.#payloadLeft === 0) return this.#frameEnded(at);
      }
    }
    return undefined;
  }

  #frameEnded(at: number): number {
    if (this.#opcode === CLOSE) this.#closed = true;
    return at;
  }

  #headerComplete(): boolean {
    if (this.#headerBytes < 2) return false;
    const second = this.#header[1] ?? 0;
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const maskBytes = second & 0x80 ? 4 : 0;
    if (this.#headerBytes < 2 + lengthBytes + maskBytes) return false;
    this.#opcode = (this.#header[0] ?? 0) & 0x0f;
    if (lengthBytes === 2) this.#payloadLeft = this.#header.readUInt16BE(2);
    else if (lengthBytes === 8) this.#payloadLeft = Number(this.#header.readBigUInt64BE(2));
    else this.#payloadLeft = short;
    this.#headerBytes = 0;
    return true;
  }
}

/** A close frame of a server, which never masks (s. 5.1). */
export function closeFrame(code: number, reason: string): Buffer {
  const text = Buffer.from(reason, 'utf8');
  const frame = Buffer.alloc(4 + text.length);
  frame[0] = 0x80 | CLOSE;
  frame[1] = 2 + text.length;
  frame.writeUInt16BE(code, 2);
  text.copy(frame, 4);
  return frame;
}

/** "Service restart": the client is to connect again (IANA registry of RFC 6455 s. 11.7). */
export const SERVICE_RESTART = 1012;
