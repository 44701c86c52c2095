import { SegueError } from '../../core/errors.ts';
import type { StopStep } from '../../core/release/step.ts';
import type { StepHandler } from './handler.ts';

/**
 * What cannot be ended is said in the note, and the release goes on without it; only where nothing may begin
 * beside it (R10), that fails the release.
 */
export const stop: StepHandler<StopStep> = async ({ instances }, { fleet, alone, signal }) => {
  signal.throwIfAborted();
  const ends = await Promise.all(instances.map(async ({ id }) => ({ id, ...(await fleet.stop(id)) })));
  const note = ends.map(({ id, how }) => `${id}: ${how}`).join('; ');
  if (alone && ends.some(({ ended }) => !ended)) throw new SegueError('STOP_FAILED', note);
  return note;
};
