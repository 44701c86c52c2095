import { isWeb } from '../../core/project.ts';
import type {
  ApproveStep,
  BakeStep,
  HoldStep,
  JudgeStep,
  PreviewStep,
  TogetherStep,
} from '../../core/release/step.ts';
import { until } from '../until.ts';
import { refuseUnready } from './await-ready.ts';
import type { StepContext, StepHandler } from './handler.ts';

type WatchedStep = PreviewStep | HoldStep | ApproveStep | JudgeStep | BakeStep | TogetherStep;

/**
 * Lets time pass; what waits for a person has no end of its own. After a restart of control only the rest of the time
 * is waited for.
 */
export const watch: StepHandler<Exclude<WatchedStep, JudgeStep>> = async (step, context) => {
  const { clock } = context.ports;
  // What waits for people or for others has no end of its own.
  const forMs = 'forMs' in step ? step.forMs : Infinity;
  const passedMs = Math.max(0, clock.nowMs() - context.beganAtMs);
  await watchUntil(step, context, { endMs: clock.monotonicMs() + forMs - passedMs });
  return '';
};

export interface Wait {
  /** By the clock that never jumps. */
  readonly endMs: number;
  /** What ends it before. */
  readonly passed?: () => boolean;
  readonly onChange?: (check: () => void) => () => void;
}

/**
 * Waits while the candidate is watched. One that is unready for longer than a start may take fails it, and where
 * nobody else serves all of them for longer than half the time that requests are held (R1). What is found out
 * elsewhere, such as a crash loop, ends it from outside (engine), a person by `abort`. True when it passed before the
 * end.
 */
export async function watchUntil(
  { instances }: WatchedStep,
  context: StepContext,
  { endMs, passed = () => false, onChange = () => () => undefined }: Wait,
): Promise<boolean> {
  const { ports, fleet, ledger, release, spec, service, signal } = context;
  const { clock } = ports;
  const ids = instances.map((i) => i.id);
  const countReady = () => ids.filter((id) => fleet.isReady(id)).length;
  const alone = ledger.service(release.service).rotation.instances.every((id) => ids.includes(id));
  const noneMs = alone && isWeb(service) ? service.traffic.hold.forMs / 2 : Infinity;
  const either = (check: () => void) => {
    const unsubscribe = [fleet.onChange(check), onChange(check)];
    return () => unsubscribe.forEach((each) => each());
  };
  let nowMs = clock.monotonicMs();
  let wholeMs = nowMs;
  for (; ; nowMs = clock.monotonicMs()) {
    const count = countReady();
    const whole = count === ids.length;
    if (whole && passed()) return true;
    if (whole) wholeMs = nowMs;
    const unreadyMs = Math.min(
      wholeMs + spec.health.readiness.withinMs - nowMs,
      count === 0 ? noneMs : Infinity,
    );
    const withinMs = Math.max(0, whole ? endMs - nowMs : unreadyMs);
    const changed = () => countReady() !== count || (whole && passed());
    if (await until(changed, either, { clock, withinMs, signal })) continue;
    if (whole) return false;
    await refuseUnready(ids, withinMs, context);
  }
}
