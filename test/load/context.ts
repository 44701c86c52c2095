import { setTimeout as sleep } from 'node:timers/promises';
import type { Pace, Target } from './options.ts';
import type { Tally } from './tally.ts';

/** What every client of one load shares. */
export interface Context {
  readonly target: Target;
  readonly timeoutMs: number;
  readonly tally: Tally;
  readonly stopping: AbortSignal;
}

/** Ends early when the load stops. */
export async function pause(ms: number, stopping: AbortSignal): Promise<void> {
  if (ms <= 0 || stopping.aborted) return;
  await sleep(ms, undefined, { signal: stopping }).catch(() => undefined);
}

/** When the next request is due, waiting for it if that is later; see `Pace`. */
export class Pacer {
  readonly #pace: Pace;
  readonly #stopping: AbortSignal;
  #dueMs: number;
  #first = true;

  constructor(pace: Pace, stopping: AbortSignal) {
    this.#pace = pace;
    this.#stopping = stopping;
    // Connections of one client begin apart, or they would all send at the same moment for ever.
    this.#dueMs = performance.now() + Math.random() * (pace.everyMs ?? 0);
  }

  async next(): Promise<number> {
    const { everyMs, thinkMs = 0 } = this.#pace;
    if (everyMs === undefined) {
      if (!this.#first) await pause(thinkMs, this.#stopping);
      this.#first = false;
      return performance.now();
    }
    const dueMs = this.#dueMs;
    this.#dueMs += everyMs;
    await pause(dueMs - performance.now(), this.#stopping);
    return dueMs;
  }
}
