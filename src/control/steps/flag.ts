/** The steps of a release that raise and lower flags; what they do is in `control/flags`. */
import { toErrorRecord } from '../../core/errors.ts';
import type { FlagStep, LowerStep } from '../../core/release/step.ts';
import type { StepHandler } from './handler.ts';

/** Done once the gateway evaluates it so: what is judged from here on is the flag as it is raised. */
export const raise: StepHandler<FlagStep> = async (step, { flags, traffic, release, index, signal }) => {
  const note = await flags.raise(step, { release, index, signal });
  await traffic.apply();
  return note;
};

/**
 * Waits for nobody, and never keeps a release from going back (R4): a flag that cannot be lowered is said in the note,
 * and tried again when the release ends.
 */
export const lower: StepHandler<LowerStep> = async (step, { flags, release, direction }) => {
  try {
    return await flags.lower(step, release);
  } catch (error) {
    if (direction === 'forward') throw error;
    return `not lowered: ${toErrorRecord(error).detail}`;
  }
};
