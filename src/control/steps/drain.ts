import { SegueError } from '../../core/errors.ts';
import { isWorker } from '../../core/project.ts';
import type { DrainStep } from '../../core/release/step.ts';
import { count, formatDurationMs } from '../../core/units.ts';
import type { StepHandler } from './handler.ts';

export const drain: StepHandler<DrainStep> = async ({ instances, requestsMs }, context) => {
  const { traffic, service, signal } = context;
  if (isWorker(service)) throw new SegueError('PLAN_UNSAFE', 'nothing is routed to workers');
  const ids = instances.map((i) => i.id);
  const { tookMs, left } = await traffic.drained(service, ids, {
    signal,
    requestsMs: requestsMs ?? Infinity,
  });
  const took = formatDurationMs(tookMs);
  if (left === 0) return `drained in ${took}`;
  const what = left === null ? 'the gateway silent' : `${count(left, 'request')} under way`;
  return `limit passed after ${took} with ${what}`;
};
