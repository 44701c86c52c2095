import type { ApproveStep, BakeStep, HoldStep, PreviewStep } from '../../core/release/step.ts';
import { until } from '../until.ts';
import { refuseUnready } from './await-ready.ts';
import type { StepHandler } from './handler.ts';

/**
 * Lets time pass while the candidate is watched. One that is unready for longer than a start may take fails
 * it, and where nobody else serves all of them for longer than half the time that requests are held (R1). A
 * crash loop ends it from outside (engine), a person by `abort`. After a restart of control only the rest of
 * the time is waited for.
 */
export const watch: StepHandler<PreviewStep | HoldStep | ApproveStep | BakeStep> = async (step, context) => {
  const { instances } = step;
  const { ports, fleet, ledger, release, spec, service, signal, beganAtMs } = context;
  const { clock } = ports;
  const ids = instances.map((i) => i.id);
  const countReady = () => ids.filter((id) => fleet.isReady(id)).length;
  const alone = ledger.service(release.service).rotation.instances.every((id) => ids.includes(id));
  const noneMs = alone ? service.traffic.hold.forMs / 2 : Infinity;
  const passedMs = Math.max(0, clock.nowMs() - beganAtMs);
  let nowMs = clock.monotonicMs();
  // What waits for a person has no end of its own.
  const forMs = step.kind === 'approve' ? Infinity : step.forMs;
  const endMs = nowMs + forMs - passedMs;
  let wholeMs = nowMs;
  for (; ; nowMs = clock.monotonicMs()) {
    const count = countReady();
    const whole = count === ids.length;
    if (whole) wholeMs = nowMs;
    const unreadyMs = Math.min(
      wholeMs + spec.health.readiness.withinMs - nowMs,
      count === 0 ? noneMs : Infinity,
    );
    const withinMs = Math.max(0, whole ? endMs - nowMs : unreadyMs);
    const changed = () => countReady() !== count;
    if (await until(changed, (check) => fleet.onChange(check), { clock, withinMs, signal })) continue;
    if (whole) return '';
    await refuseUnready(ids, withinMs, context);
  }
};
