import type { RouteStep } from '../../core/release/step.ts';
import { routedTo } from '../../core/traffic/rotation.ts';
import { awaitReady } from './await-ready.ts';
import type { StepContext, StepHandler } from './handler.ts';

/** Forward, all of the candidate must be ready before more traffic moves to it; back, nothing is waited for (R4). */
export const route: StepHandler<RouteStep> = async (step, context) => {
  const { direction, spec, traffic, release } = context;
  const { withinMs } = spec.health.readiness;
  if (direction === 'forward') await awaitReady(candidatesIn(step, context), withinMs, context);
  const number = await traffic.rotate(release.service, step.rotation);
  return `routing ${number} in force`;
};

function candidatesIn({ rotation }: RouteStep, { release }: StepContext): string[] {
  const started = release.plan.steps.flatMap((step) => (step.kind === 'start' ? step.instances : []));
  const candidates = new Set(started.map(({ id }) => id));
  return routedTo(rotation).filter((id) => candidates.has(id));
}
