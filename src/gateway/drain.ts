/**
 * T3 for streams: each is told once to reconnect, spread over a short time so that they do not come back
 * together; what is left at the limit is cut. Requests need no telling: they end by themselves.
 */
import { limits } from '../core/limits.ts';
import { monotonicMs, timer } from './clock.ts';

/** A connection that does not end by itself: WebSocket, server-sent events, another upgrade. */
export interface LongStream {
  /** Asks the client to reconnect and ends at the next place where nothing is torn. Does nothing if there is no way to ask. */
  tell(): void;
  cut(): void;
}

export class Drain {
  readonly #streams: ReadonlySet<LongStream>;
  readonly #telling: NodeJS.Timeout;
  readonly #cutting: NodeJS.Timeout;

  constructor(
    streams: ReadonlySet<LongStream>,
    streamsMs: number,
    spreadMs: number = limits.gateway.drainSpreadMs,
  ) {
    this.#streams = streams;
    this.#telling = this.#tellAll(Math.min(streamsMs / 2, spreadMs));
    this.#cutting = timer(() => this.#cutAll(), streamsMs);
  }

  /** A stream that began after the drain did, by a request that was under way. */
  joined(stream: LongStream): void {
    stream.tell();
  }

  /** What was told stays told; nothing else happens to the others. */
  cancel(): void {
    clearInterval(this.#telling);
    clearTimeout(this.#cutting);
  }

  #tellAll(spreadMs: number): NodeJS.Timeout {
    const waiting = [...this.#streams];
    const beganMs = monotonicMs();
    let told = 0;
    const telling = setInterval(() => {
      const share = spreadMs === 0 ? 1 : (monotonicMs() - beganMs) / spreadMs;
      const due = Math.min(waiting.length, Math.ceil(share * waiting.length));
      for (const stream of waiting.slice(told, due)) {
        if (this.#streams.has(stream)) stream.tell();
      }
      told = due;
      if (told === waiting.length) clearInterval(telling);
    }, limits.gateway.drainTickMs);
    return telling;
  }

  #cutAll(): void {
    clearInterval(this.#telling);
    for (const stream of this.#streams) stream.cut();
  }
}
