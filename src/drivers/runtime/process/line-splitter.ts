import { limits } from '../../../core/limits.ts';

/** Bytes in, lines out. Bytes that are not UTF-8 become U+FFFD; a line without end comes in pieces. */
export class LineSplitter {
  readonly #decoder = new TextDecoder('utf-8');
  #open = '';

  push(bytes: Uint8Array): readonly string[] {
    const parts = (this.#open + this.#decoder.decode(bytes, { stream: true })).split('\n');
    this.#open = parts.pop() ?? '';
    const lines = parts.flatMap((part) => inPieces(part.endsWith('\r') ? part.slice(0, -1) : part));
    if (this.#open.length > limits.log.lineCharsMax) {
      const pieces = inPieces(this.#open);
      this.#open = pieces.at(-1) ?? '';
      lines.push(...pieces.slice(0, -1));
    }
    return lines;
  }

  /** The last line, which has no end yet; null when there is none. */
  rest(): string | null {
    const rest = this.#open + this.#decoder.decode();
    this.#open = '';
    return rest === '' ? null : rest;
  }
}

function inPieces(line: string): string[] {
  const pieces = [line.slice(0, limits.log.lineCharsMax)];
  for (let at = limits.log.lineCharsMax; at < line.length; at += limits.log.lineCharsMax) {
    pieces.push(line.slice(at, at + limits.log.lineCharsMax));
  }
  return pieces;
}
