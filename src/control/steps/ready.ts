import { SegueError, toErrorRecord } from '../../core/errors.ts';
import type { ReadinessCheck } from '../../core/project.ts';
import type { ReadyStep } from '../../core/release/step.ts';
import { formatDurationMs } from '../../core/units.ts';
import { awaitReady, refuseUnready } from './await-ready.ts';
import type { StepContext, StepHandler } from './handler.ts';

/** After a restart of control the rest of the time is waited for, and at least long enough to look. */
export const ready: StepHandler<ReadyStep> = async ({ instances }, context) => {
  const { spec, beganAtMs } = context;
  const { clock } = context.ports;
  const { readiness } = spec.health;
  const startedMs = clock.monotonicMs();
  const passedMs = Math.max(0, clock.nowMs() - beganAtMs);
  const withinMs = Math.max(readiness.withinMs - passedMs, Math.min(readiness.withinMs, lookMs(readiness)));
  const ids = instances.map((i) => i.id);
  await awaitReady(ids, withinMs, context).catch((error: unknown) => explained(error, ids, context));
  return `ready after ${formatDurationMs(clock.monotonicMs() - startedMs)}`;
};

/** Requests cannot wait any longer: what it is that was not ready is the news. */
async function explained(error: unknown, ids: readonly string[], context: StepContext): Promise<never> {
  if (!(error instanceof SegueError) || error.code !== 'HANDOVER_LATE') throw error;
  const waitedMs = Math.max(0, context.ports.clock.nowMs() - context.beganAtMs);
  const why = await refuseUnready(ids, waitedMs, context).then(
    () => '',
    (reason: unknown) => toErrorRecord(reason).detail,
  );
  throw new SegueError(error.code, `${error.detail} ${why}`.trimEnd());
}

/** What an instance that is ready may take to show it. */
function lookMs({ successes, intervalMs, timeoutMs }: ReadinessCheck): number {
  return successes * (intervalMs + timeoutMs);
}
