import type { JudgeChoice } from '../judge/rules.ts';
import type { Gates } from '../project.ts';
import type { InstanceRef, Step } from '../release/step.ts';
import { watchStep } from './strategy.ts';

/** Time first, in which evidence gathers; then the judge; then whoever has to look at what both brought. */
export function gateSteps(
  { forMs, evidence, approve }: Gates,
  instances: readonly InstanceRef[],
  judge: JudgeChoice | null,
): Step[] {
  return [
    ...watchStep('hold', forMs, instances),
    ...(evidence && judge ? [judgeStep(judge, instances)] : []),
    ...(approve ? [{ kind: 'approve', instances } as const] : []),
  ];
}

function judgeStep({ patienceMs, onUnsure }: JudgeChoice, instances: readonly InstanceRef[]): Step {
  return { kind: 'judge', patienceMs, onUnsure, instances };
}
