/**
 * When a client that sends a body is too slow: no part of it for a while, or so little for so long that it only
 * keeps an instance busy. The time during which the instance did not read is not the client's.
 */
import { limits } from '../core/limits.ts';

/** Of a body, what came of it until now. */
export interface Uploaded {
  readonly complete: boolean;
  readonly receivedBytes: number;
}

export class UploadPace {
  readonly #body: Uploaded;
  readonly #stallMs: number;
  #fromMs: number;
  /** Infinity: it is the client's turn. */
  #pausedMs = Infinity;

  constructor(body: Uploaded, stallMs: number, nowMs: number) {
    this.#body = body;
    this.#stallMs = stallMs;
    this.#fromMs = nowMs;
  }

  /** Infinity: it is not the client's turn. */
  dueMs(nowMs: number): number {
    if (this.#body.complete || this.#pausedMs !== Infinity) return Infinity;
    const earnedMs = (this.#body.receivedBytes * 1_000) / limits.gateway.bodyBytesPerSecondMin;
    return Math.min(nowMs, this.#fromMs + earnedMs) + this.#stallMs;
  }

  pause(nowMs: number): void {
    if (this.#pausedMs === Infinity) this.#pausedMs = nowMs;
  }

  resume(nowMs: number): void {
    if (this.#pausedMs === Infinity) return;
    this.#fromMs += nowMs - this.#pausedMs;
    this.#pausedMs = Infinity;
  }
}
