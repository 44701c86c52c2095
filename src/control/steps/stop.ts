import type { StopStep } from '../../core/release/step.ts';
import type { StepHandler } from './handler.ts';

/** Never fails: what cannot be ended is said in the note, and the release goes on without it. */
export const stop: StepHandler<StopStep> = async ({ instances }, { fleet }) => {
  const notes = await Promise.all(instances.map(async ({ id }) => `${id}: ${await fleet.stop(id)}`));
  return notes.join('; ');
};
