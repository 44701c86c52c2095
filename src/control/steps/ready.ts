import type { ReadinessCheck } from '../../core/project.ts';
import type { ReadyStep } from '../../core/release/step.ts';
import { formatDurationMs } from '../../core/units.ts';
import { awaitReady } from './await-ready.ts';
import type { StepHandler } from './handler.ts';

/** After a restart of control the rest of the time is waited for, and at least long enough to look. */
export const ready: StepHandler<ReadyStep> = async ({ instances }, context) => {
  const { spec, beganAtMs } = context;
  const { clock } = context.ports;
  const { readiness } = spec.health;
  const startedMs = clock.monotonicMs();
  const passedMs = Math.max(0, clock.nowMs() - beganAtMs);
  const withinMs = Math.max(readiness.withinMs - passedMs, Math.min(readiness.withinMs, lookMs(readiness)));
  const ids = instances.map((i) => i.id);
  await awaitReady(ids, withinMs, context);
  return `ready after ${formatDurationMs(clock.monotonicMs() - startedMs)}`;
};

/** What an instance that is ready may take to show it. */
function lookMs({ successes, intervalMs, timeoutMs }: ReadinessCheck): number {
  return successes * (intervalMs + timeoutMs);
}
