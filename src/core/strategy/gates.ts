import type { Gates } from '../project.ts';
import type { InstanceRef, Step } from '../release/step.ts';
import { watchStep } from './strategy.ts';

/** Time first, then whoever has to look at what it brought. */
export function gateSteps({ forMs, approve }: Gates, instances: readonly InstanceRef[]): Step[] {
  return [
    ...watchStep('hold', forMs, instances),
    ...(approve ? [{ kind: 'approve', instances } as const] : []),
  ];
}
