const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Finds the ends of server-sent events: the blank line after each. Lines end in LF or CRLF; a stream that ends
 * its lines with a lone CR has no boundary here and is left to its time limit.
 */
export class EventBoundaries {
  #lineIsEmpty = true;
  #atBoundary = true;

  /** Nothing was sent yet, or the last byte ended an event. */
  get atBoundary(): boolean {
    return this.#atBoundary;
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

  /** The offset after the next end of an event, counted as sent up to there; undefined: all sent, none ended. */
  nextEnd(chunk: Buffer, from: number): number | undefined {
    for (let i = from; i < chunk.length; i += 1) {
      const byte = chunk[i];
      if (byte === LINE_FEED) {
        if (this.#lineIsEmpty) {
          this.#atBoundary = true;
          return i + 1;
        }
        this.#lineIsEmpty = true;
      } else if (byte !== CARRIAGE_RETURN) {
        this.#lineIsEmpty = false;
      }
      this.#atBoundary = false;
    }
    return undefined;
  }
}
