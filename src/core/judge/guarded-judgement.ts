/** The judgement on the gateway's counts, and what the guards beside them change about it. */
import type { Judgement } from './judge.ts';
import { type GuardFinding, isReached, type Verdict } from './verdict.ts';

export interface GuardedJudgement extends Judgement {
  readonly guards: readonly GuardFinding[];
}

export function withGuards(judgement: Judgement, guards: readonly GuardFinding[]): GuardedJudgement {
  return { ...judgement, guards, verdict: verdictWith(judgement, guards) };
}

export function verdictWith(
  { verdict, mismatch }: Pick<Judgement, 'verdict' | 'mismatch'>,
  guards: readonly GuardFinding[],
): Verdict {
  const isWorse = guards.some((guard) => guard.role !== 'watch' && guard.verdict === 'worse');
  if (verdict === 'worse' || isWorse) return 'worse';
  const vouched = guards.some(
    (guard) => guard.role === 'voucher' && guard.verdict === 'better-or-same' && !isReached(mismatch),
  );
  // R8: a gate that has nothing to say has not been passed.
  const held = guards.some(({ role, verdict: word }) => role === 'gate' && word !== 'better-or-same');
  return (verdict === 'better-or-same' || vouched) && !held ? 'better-or-same' : 'not-enough-evidence';
}
