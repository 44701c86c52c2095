const NEWLINE = 0x0a;

/** Cuts a byte stream into lines of at most `bytesMax` bytes. Both ends of a socket that speaks JSON lines use it. */
export class LineSplitter {
  readonly #bytesMax: number;
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The lines that this chunk completes. Throws a RangeError when a line gets too long. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      this.#keep(chunk.subarray(from, end));
      lines.push(Buffer.concat(this.#pending).toString('utf8'));
      this.#pending = [];
      this.#pendingBytes = 0;
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
    return lines;
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#pendingBytes += part.length;
    if (this.#pendingBytes > this.#bytesMax) {
      throw new RangeError(`a line is longer than ${this.#bytesMax} bytes`);
    }
    this.#pending.push(part);
  }
}
