/** The steps of a release that change the database; what they do is in `control/database`. */
import { SegueError } from '../../core/errors.ts';
import type {
  BackfillStep,
  ContractStep,
  ExpandStep,
  RestoreStep,
  RevertStep,
} from '../../core/release/step.ts';
import type { StepContext, StepHandler } from './handler.ts';

export const expand: StepHandler<ExpandStep> = ({ change }, context) =>
  context.schema.expand(change, askerOf(context));

export const backfill: StepHandler<BackfillStep> = async (step, { schema, release, signal }) => {
  if (step.until === 'done') return schema.filled(step, release, signal);
  schema.begin(step, release);
  return '';
};

export const restore: StepHandler<RestoreStep> = ({ change }, context) =>
  context.schema.restore(change, askerOf(context));

export const takeBack: StepHandler<RevertStep> = ({ change }, context) =>
  context.schema.takeBack(change, askerOf(context));

/** Has its own time, long after the release. */
export const contract: StepHandler<ContractStep> = ({ change }) =>
  Promise.reject(new SegueError('PLAN_UNSAFE', `${change.name} is contracted by no release.`));

function askerOf({ release, signal }: StepContext) {
  return { release: release.id, service: release.service, signal };
}
