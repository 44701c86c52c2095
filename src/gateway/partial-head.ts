/** The head of a response that came in parts, with room around it for what a response may grow by. */
import { HEADROOM_BYTES, TAILROOM_BYTES } from './upstream.ts';

export class PartialHead {
  #bytes: Buffer | undefined;

  get isEmpty(): boolean {
    return this.#bytes === undefined;
  }

  keep(bytes: Buffer, from: number, to: number): void {
    const kept = Buffer.allocUnsafeSlow(HEADROOM_BYTES + to - from + TAILROOM_BYTES);
    bytes.copy(kept, HEADROOM_BYTES, from, to);
    this.#bytes = kept;
  }

  /** What was kept and what comes after it; nothing is kept any more. */
  takeWith(bytes: Buffer, from: number, to: number): { bytes: Buffer; from: number; to: number } {
    const before = this.#bytes?.subarray(0, -TAILROOM_BYTES) ?? Buffer.alloc(HEADROOM_BYTES);
    const joined = Buffer.allocUnsafeSlow(before.length + to - from + TAILROOM_BYTES);
    before.copy(joined);
    bytes.copy(joined, before.length, from, to);
    this.#bytes = undefined;
    return { bytes: joined, from: HEADROOM_BYTES, to: joined.length - TAILROOM_BYTES };
  }
}
