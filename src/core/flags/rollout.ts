/**
 * The guarded roll-out of a flag, as a release: steps of the share of those whom no rule matches, each with its gates,
 * and one write back to what was before (R4). The same machine runs it as runs releases of services.
 */
import type { ErrorRecord } from '../errors.ts';
import type { JudgeChoice } from '../judge/rules.ts';
import type { Gates } from '../project.ts';
import type { Plan } from '../release/plan.ts';
import type { ReleaseRecord } from '../release/records.ts';
import type { PlanStage } from '../release/stage.ts';
import type { ShareStep, Step } from '../release/step.ts';
import { weightAt } from '../release/weight.ts';
import { gateSteps } from '../strategy/gates.ts';
import type { Override } from './override.ts';

export interface Rollout {
  readonly flag: string;
  readonly from: string;
  readonly to: string;
  /** What was set at run time when it began; null: nothing. */
  readonly before: Override | null;
  readonly reason: string;
  /** Whose word it needs before anything is changed; empty: anybody's but who asked for it. Null: nobody's. */
  readonly approvers: readonly string[] | null;
  /** Those that evaluate it at the edge and whose requests are judged. */
  readonly services: readonly string[];
  /** Null: nothing is judged. */
  readonly judge: JudgeChoice | null;
  /** Users are who the application says they are, not visitors of the gateway's own. */
  readonly keyed: boolean;
}

const PREFIX = 'flag:';

/** What its releases are called by, beside services. */
export const subjectOf = (flag: string): string => `${PREFIX}${flag}`;

/** Null: it is no flag's. */
export function flagOf(subject: string): string | null {
  return subject.startsWith(PREFIX) ? subject.slice(PREFIX.length) : null;
}

export interface RolloutRequest {
  readonly release: string;
  readonly rollout: Rollout;
  /** Rising, of the new variant; everybody comes after the last one. */
  readonly percents: readonly number[];
  readonly gates: Gates;
  /** Nobody has anything of it by a rule. */
  readonly isAll: boolean;
  /** A file has it; else it was made at run time. */
  readonly hasFile: boolean;
  readonly problems: readonly string[];
}

export function rolloutPlan(request: RolloutRequest): Plan {
  const { release, rollout, percents, gates, isAll, hasFile, problems } = request;
  const { flag, from, to, before, judge, approvers } = rollout;
  const share = (percent: number): Step => {
    const override: Override = { type: 'rolled', release, to, from, percent, before };
    return { kind: 'share', flag, override, percent, purpose: `${percent}% of ${flag} to "${to}"` };
  };
  // With no rules there is nothing left of the roll-out in what it ends with.
  const end: Override =
    isAll && hasFile
      ? { type: 'fixed', variant: to, release }
      : { type: 'rolled', release, to, from, percent: 100, before };
  const whom = isAll ? 'everybody' : 'everybody whom no rule matches';
  const steps: Step[] = [
    ...(approvers === null ? [] : [{ kind: 'approve', instances: [] } as const]),
    ...percents.flatMap((percent) => [share(percent), ...gateSteps(gates, [], judge)]),
    { kind: 'share', flag, override: end, percent: 100, purpose: `"${to}" of ${flag} for ${whom}` },
    { kind: 'promote', version: to },
  ];
  return planOf(release, rollout, 'rollout', steps, problems);
}

/** After its end: one write, and nothing to wait for. */
export function returnPlan(release: string, rollout: Rollout, goal: Override | null): Plan {
  const steps: Step[] = [back(rollout.flag, goal), { kind: 'promote', version: rollout.to }];
  return planOf(release, rollout, 'rollback', steps, []);
}

function planOf(
  release: string,
  rollout: Rollout,
  strategy: string,
  steps: readonly Step[],
  problems: readonly string[],
): Plan {
  const { flag, from, to } = rollout;
  const last = steps.length;
  const certificate = {
    to: from,
    ways: [
      { fromStep: 1, toStep: last - 1, how: 'one-write', starts: 0 },
      { fromStep: last, toStep: last, how: 'new-release', starts: 0 },
    ],
    problems,
  } as const;
  return { release, service: subjectOf(flag), strategy, from, to, steps, rollout, certificate };
}

function back(flag: string, override: Override | null): ShareStep {
  return { kind: 'share', flag, override, percent: null, purpose: `${flag} as it was before` };
}

/** One write, whatever was done so far; none where somebody else has set the flag since (their word is newer). */
export function rolloutBack({ flag, before }: Rollout, { code }: ErrorRecord): Step[] {
  return code === 'FLAG_TAKEN' ? [] : [back(flag, before)];
}

export const isSame = (a: Override | null, b: Override | null): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

/** What its flag may be set to while it goes forward: anything else is somebody else's. */
export function settingsOf({ state, plan }: Pick<ReleaseRecord, 'state' | 'plan'>): (Override | null)[] {
  if (state.phase !== 'forward') return [];
  const reached = plan.steps.slice(0, state.at + 1).filter((step) => step.kind === 'share');
  const underWay = plan.steps[state.at]?.kind === 'share';
  const before = plan.rollout?.before ?? null;
  return [before, ...reached.map(({ override }) => override)].slice(underWay ? -2 : -1);
}

/** What it set so far, or may have. */
export function wasSetBy({ plan }: Pick<ReleaseRecord, 'plan'>, override: Override | null): boolean {
  return plan.steps.some((step) => step.kind === 'share' && isSame(step.override, override));
}

/** The share in force, as a stage of the judge; null: nobody is beside anybody. */
export function rolloutStage({ state, plan }: Pick<ReleaseRecord, 'state' | 'plan'>): PlanStage | null {
  if (state.phase !== 'forward') return null;
  const index = plan.steps.findLastIndex((step, at) => at < state.at && step.kind === 'share');
  const share = weightAt(plan.steps, state.at);
  return share === null || share >= 100 ? null : { index, weights: null, cold: false };
}

/** A share is on its way to the edge: requests may come under it before it is known that they do. */
export function isSharing({ state, plan }: Pick<ReleaseRecord, 'state' | 'plan'>): boolean {
  return state.phase === 'forward' && plan.steps[state.at]?.kind === 'share';
}

/**
 * Why this person's word does not pass these gates: the first one of a flag that two people decide asks for the second
 * of them. Null: it does.
 */
export function refusalOf(
  { plan, by: asker }: Pick<ReleaseRecord, 'plan' | 'by'>,
  indexes: readonly number[],
  by: string,
): string | null {
  const approvers = plan.rollout?.approvers ?? null;
  if (approvers === null || !indexes.includes(0)) return null;
  if (by === asker) return `${by} asked for it; somebody else has to approve it.`;
  if (approvers.length === 0 || approvers.includes(by)) return null;
  return `${by} may not approve it; ${approvers.join(', ')} may.`;
}
