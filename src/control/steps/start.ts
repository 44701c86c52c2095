import type { StartStep } from '../../core/release/step.ts';
import type { StepContext, StepHandler } from './handler.ts';

/** Fails when one does, but not before the others have started: a way back must see all that run. */
export const start: StepHandler<StartStep> = async ({ instances }, context) => {
  const { fleet, release, signal } = context;
  if (context.alone) await othersGone(context);
  signal.throwIfAborted();
  const starts = instances.map((ref) => fleet.start(ref, release.service, release.id));
  const results = await Promise.allSettled(starts);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return '';
};

/** R10: what an earlier control began to stop may still run. */
async function othersGone({ fleet, ledger, release }: StepContext): Promise<void> {
  const leaving = ledger.instances.filter((i) => i.service === release.service && i.phase === 'stopping');
  await Promise.all(leaving.map(({ id }) => fleet.stop(id)));
}
