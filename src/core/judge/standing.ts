/** How a stage that is being judged stands, in figures: what is known, what is needed, and what is in the way. */
import type { GuardedJudgement } from './guarded-judgement.ts';
import { isReached, type Verdict } from './verdict.ts';
import { describeStanding } from './words.ts';

export interface Standing {
  readonly verdict: Verdict;
  /** In one line, for people. */
  readonly text: string;
  /** That the candidate is not worse, of the guard that has the least of what it needs; null: none waits for any. */
  readonly evidence: {
    readonly guard: string;
    readonly log: number;
    readonly neededLog: number;
    /** From 0 to 1. */
    readonly part: number;
  } | null;
  /** Of the candidate in this stage, per second; null: unknown. */
  readonly perSecond: number | null;
  readonly requests: number;
  /** At the rates seen; null: unknown, or no end in sight. */
  readonly missingRequests: number | null;
  /** At the present rate of requests; null as well where that is unknown. */
  readonly missingMs: number | null;
  /** What holds the stage: guards that have not said that it may go on. */
  readonly holds: readonly string[];
}

export function standingOf(judgement: GuardedJudgement, perSecond: number | null): Standing {
  const { verdict, findings, guards, mismatch } = judgement;
  const vouched = verdict === 'better-or-same';
  const waiting = vouched ? [] : findings.filter(({ same }) => same !== null && !isReached(same));
  const gates = guards.filter(({ role, verdict: word }) => role === 'gate' && word !== 'better-or-same');
  const missing = waiting.map(({ missingRequests }) => missingRequests);
  const missingRequests = missing.includes(null) ? null : Math.max(0, ...missing.map((each) => each ?? 0));
  const isPaced = missingRequests !== null && perSecond !== null && perSecond > 0;
  const evidence = waiting
    .map(({ guard, same }) => ({ guard, log: same?.log ?? 0, neededLog: same?.neededLog ?? Infinity }))
    .map((each) => ({ ...each, part: Math.min(1, Math.max(0, each.log / each.neededLog)) }))
    .toSorted((a, b) => a.part - b.part)[0];
  return {
    verdict,
    text: describeStanding(judgement, perSecond),
    evidence: evidence ?? null,
    perSecond,
    requests: Math.max(0, ...findings.map(({ stageRequests }) => stageRequests)),
    missingRequests,
    missingMs: isPaced ? Math.ceil((missingRequests / perSecond) * 1_000) : null,
    holds: [
      ...(isReached(mismatch) ? ['split'] : []),
      ...waiting.map(({ guard }) => guard),
      ...gates.map(({ guard }) => guard),
    ],
  };
}

/** With the evidence as a part of what is needed: `holds: 12 of about 300 requests ...; evidence 4%`. */
export function describeStandingWhole({ text, evidence, verdict }: Standing): string {
  if (evidence === null || verdict !== 'not-enough-evidence') return text;
  return `${text}; evidence ${Math.floor(evidence.part * 100)}%`;
}
