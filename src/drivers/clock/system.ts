import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Clock, Randomness } from '../../ports/clock.ts';

/** A timer of Node's that is longer than this fires at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (durationMs, signal) => {
    const untilMs = performance.now() + durationMs;
    for (let leftMs = durationMs; leftMs > 0; leftMs = untilMs - performance.now()) {
      await wait(Math.min(leftMs, TIMER_MS_MAX), signal);
    }
    signal?.throwIfAborted();
  },
};

export const systemRandomness: Randomness = {
  hex: (bytes) => randomBytes(bytes).toString('hex'),
};

function wait(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(reasonOf(signal));
      return;
    }
    const abort = () => {
      clearTimeout(timer);
      if (signal) reject(reasonOf(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, durationMs);
    signal?.addEventListener('abort', abort, { once: true });
  });
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error(String(reason));
}
