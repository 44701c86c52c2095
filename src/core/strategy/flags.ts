/** The steps that raise flags: each as far as the candidate's share, with its own gates behind it. */
import type { CanaryChoice, FlagRaise, StrategyChoice } from '../project.ts';
import type { InstanceRef, Step } from '../release/step.ts';
import { gateSteps } from './gates.ts';
import type { StrategyRequest } from './strategy.ts';

type Raise = Pick<FlagRaise, 'flag' | 'variant' | 'percent'>;

export function flagStep(
  { facts }: StrategyRequest,
  { flag, variant, percent }: Raise,
  weight: number,
): Step {
  const on = facts.flags?.find((fact) => fact.flag === flag)?.on;
  return { kind: 'flag', flag, variant: variant ?? on ?? 'on', percent: percent ?? weight };
}

/** At full traffic there is nobody to compare with: time and people decide. */
export function flagSteps(
  request: StrategyRequest,
  { flags = [] }: Pick<StrategyChoice, 'flags'>,
  instances: readonly InstanceRef[],
): Step[] {
  return flags.flatMap((raise) => [flagStep(request, raise, 100), ...gateSteps(raise, instances, null)]);
}

/** Where nothing serves nobody is protected by stages: each flag goes where its last one leaves it. */
export function flagsAtOnce({ stages, flags = [] }: CanaryChoice): readonly FlagRaise[] {
  const last = new Map<string, FlagRaise>();
  for (const { flag, weight } of stages)
    if (flag)
      last.set(flag.flag, {
        ...{ ...flag, percent: flag.percent ?? weight },
        ...{ forMs: 0, evidence: false, approve: false },
      });
  return [...last.values(), ...flags];
}

/** All that a strategy raises anywhere. */
export function flagsRaisedBy(choice: StrategyChoice): readonly Raise[] {
  const staged = choice.type === 'canary' ? choice.stages.flatMap(({ flag }) => flag ?? []) : [];
  return [...staged, ...(choice.flags ?? [])];
}
