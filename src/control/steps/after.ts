import { hasFullTraffic, hasSchema, isOutOfTraffic } from '../../core/release/group.ts';
import type { ReleaseRecord } from '../../core/release/records.ts';
import type { AfterStep } from '../../core/release/step.ts';
import { until } from '../until.ts';
import type { StepContext, StepHandler } from './handler.ts';

const FAR = { 'full-traffic': hasFullTraffic, back: isOutOfTraffic, schema: hasSchema } as const;

/** The other releases are in the ledger: what becomes of them, of this one becomes in the same write. */
export const after: StepHandler<AfterStep> = async (step, context) => {
  const { ledger, ports, signal } = context;
  const isFar = FAR[step.until];
  const isOver = () => companions(step.services, context).every(isFar);
  const waiting = { clock: ports.clock, withinMs: Infinity, signal };
  await until(isOver, (check) => ledger.follow(check), waiting);
  return '';
};

/** The releases of those services in the same group; one that has ended waits for nobody. */
export function companions(services: readonly string[], { ledger, release }: StepContext): ReleaseRecord[] {
  const members = (release.group ?? []).filter(({ service }) => services.includes(service));
  return members.flatMap((member) => ledger.release(member.release) ?? []);
}
