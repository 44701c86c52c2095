import type { StartStep } from '../../core/release/step.ts';
import type { StepHandler } from './handler.ts';

/** Fails when one does, but not before the others have started: a way back must see all that run. */
export const start: StepHandler<StartStep> = async ({ instances }, { fleet, release }) => {
  const starts = instances.map((ref) => fleet.start(ref, release.service, release.id));
  const results = await Promise.allSettled(starts);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return '';
};
