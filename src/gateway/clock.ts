/** The gateway's only look at a clock. */
// The global of that name is a getter.
import { performance } from 'node:perf_hooks';

/** Wall clock, for reports that other processes compare. May jump. */
export const nowMs = (): number => Date.now();

/** Never goes back: for every duration and deadline. */
export const monotonicMs = (): number => performance.now();

/** A timer of Node's that is longer than this fires at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const timer = (act: () => void, afterMs: number): NodeJS.Timeout =>
  setTimeout(act, Math.min(afterMs, TIMER_MS_MAX));
