import type { Clock } from '../ports/clock.ts';

export interface UntilOptions {
  readonly clock: Clock;
  readonly withinMs: number;
  readonly signal: AbortSignal;
}

/**
 * Waits until the condition holds, looking again at every change. True when it held at one of the looks, even
 * if it does not any more; false when the time passed first; rejects with the signal's reason.
 */
export async function until(
  condition: () => boolean,
  onChange: (check: () => void) => () => void,
  { clock, withinMs, signal }: UntilOptions,
): Promise<boolean> {
  if (condition()) return true;
  const held = new AbortController();
  const unsubscribe = onChange(() => {
    if (condition()) held.abort();
  });
  try {
    await clock.sleep(withinMs, AbortSignal.any([signal, held.signal]));
  } catch (error) {
    if (!held.signal.aborted) throw error;
  } finally {
    unsubscribe();
  }
  return held.signal.aborted || condition();
}
