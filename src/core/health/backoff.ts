import { limits } from '../limits.ts';

/** How long to wait before a crashed instance is started again: doubled with each crash, up to a limit. */
export function restartDelayMs(crashesInARow: number): number {
  const { restartBackoffFirstMs, restartBackoffMaxMs } = limits.runtime;
  return Math.min(restartBackoffMaxMs, restartBackoffFirstMs * 2 ** Math.max(0, crashesInARow - 1));
}

/**
 * How long to wait between two checks of an instance that was never ready: often at first, then a tenth of
 * its age, never slower than a running instance is asked.
 */
export function startCheckDelayMs(ageMs: number, intervalMs: number): number {
  return Math.min(intervalMs, Math.max(limits.health.startIntervalMs, ageMs / 10));
}
