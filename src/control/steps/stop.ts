import { SegueError } from '../../core/errors.ts';
import type { StopStep } from '../../core/release/step.ts';
import type { StepHandler } from './handler.ts';

/**
 * What cannot be ended is said in the note, and the release goes on without it; only where nothing may begin
 * beside it (R10), that fails the release. Jobs may take long, and a release that has to go back does not wait for
 * them: who was told to stop goes on to its end.
 */
export const stop: StepHandler<StopStep> = async ({ instances, drainMs }, { fleet, alone, signal }) => {
  signal.throwIfAborted();
  const ending = Promise.all(instances.map(async ({ id }) => ({ id, ...(await fleet.stop(id)) })));
  const ends = await (drainMs === undefined ? ending : unless(signal, ending));
  const note = ends.map(({ id, how }) => `${id}: ${how}`).join('; ');
  if (alone && ends.some(({ ended }) => !ended)) throw new SegueError('STOP_FAILED', note);
  return note;
};

/** Rejects with the signal's reason; the work goes on. */
async function unless<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const over = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([work, over]);
  signal.throwIfAborted();
  return work;
}
