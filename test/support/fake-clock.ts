/** A clock that stands still until a test moves it. */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/ports/clock.ts';

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error(String(reason));
}

export class FakeClock implements Clock {
  readonly #sleepers = new Set<Sleeper>();
  #monotonicMs = 0;
  #wallMs: number;

  constructor(wallMs = 1_700_000_000_000) {
    this.#wallMs = wallMs;
  }

  nowMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** The wall clock alone, as when a machine is told the right time. */
  jump(byMs: number): void {
    this.#wallMs += byMs;
  }

  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(reasonOf(signal));
      const abort = () => {
        this.#sleepers.delete(sleeper);
        if (signal) reject(reasonOf(signal));
      };
      const wake = () => {
        signal?.removeEventListener('abort', abort);
        this.#sleepers.delete(sleeper);
        resolve();
      };
      const sleeper = { dueMs: this.#monotonicMs + durationMs, wake };
      signal?.addEventListener('abort', abort, { once: true });
      if (durationMs <= 0) wake();
      else this.#sleepers.add(sleeper);
    });
  }

  /** Wakes everyone in the order of their time, each at its own. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#monotonicMs + byMs;
    // Whoever is about to sleep does so first.
    await setImmediate();
    for (;;) {
      const next = [...this.#sleepers].toSorted((a, b) => a.dueMs - b.dueMs)[0];
      if (!next || next.dueMs > endMs) break;
      this.#moveTo(next.dueMs);
      next.wake();
      await setImmediate();
    }
    this.#moveTo(endMs);
    await setImmediate();
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }
}
