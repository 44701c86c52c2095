import { isThere } from '../../core/release/group.ts';
import type { TogetherStep } from '../../core/release/step.ts';
import { companions } from './after.ts';
import { endsWhen } from './ends-when.ts';
import type { StepHandler } from './handler.ts';
import { watch } from './watch.ts';

/** Done when all are as far and ready; the first that sees it promotes them all in one write (`release-book`). */
export const together: StepHandler<TogetherStep> = async (step, context) => {
  const { fleet } = context;
  const areReady = () =>
    [context.release, ...companions(step.services, context)].every(({ plan }) =>
      plan.steps.every(
        (each) => each.kind !== 'together' || each.instances.every(({ id }) => fleet.isReady(id)),
      ),
    );
  const areThere = () => companions(step.services, context).every(isThere) && areReady();
  await endsWhen(areThere, context, (inside) => watch(step, inside));
  return '';
};
