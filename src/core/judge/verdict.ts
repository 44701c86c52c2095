/** What the judge says, with its proof: everything that is needed to check it again is in a finding. */
import type { Rate } from './rate.ts';

export type Verdict = 'better-or-same' | 'worse' | 'not-enough-evidence';

/** Evidence as a logarithm, and what it has to reach. */
export interface Evidence {
  readonly log: number;
  readonly neededLog: number;
}

export interface Interval {
  readonly from: number;
  /** Null: nothing bounds it yet. */
  readonly to: number | null;
}

/** One guard's word. */
export interface Finding {
  /** Such as `errors`, `p99`, `errors against the past`. */
  readonly guard: string;
  /** What is counted as bad: `errors`, `slower than 312ms`. */
  readonly counts: string;
  readonly verdict: Verdict;
  readonly worse: Evidence;
  /** Null: the guard can only take a candidate back, never promote it. */
  readonly same: Evidence | null;
  readonly candidate: Rate;
  /** Of the candidate, since the stage began. */
  readonly stageRequests: number;
  /** Null where the guard compares with a bound. */
  readonly stable: Rate | null;
  /** What a candidate may have at most: times stable's rate, or a rate. */
  readonly tolerated: { readonly type: 'ratio' | 'rate'; readonly value: number };
  /** Of the same kind, valid at every look. */
  readonly effect: Interval;
  /** Requests of the candidate until `same` is likely reached at the rates seen; null: unknown, or never. */
  readonly missingRequests: number | null;
}

/**
 * The word of a guard beside the gateway's counts: an outside metric, saturation, probes. What it measures differs
 * from guard to guard, so its proof is in words.
 */
export interface GuardFinding {
  /** Such as `metric checkout_errors`, `cpu`, `probes`. */
  readonly guard: string;
  readonly verdict: Verdict;
  /**
   * `gate`: can take a candidate back, and a stage waits for its `better-or-same`. `alarm`: can only take it back.
   * `voucher`: can take it back, and its `better-or-same` stands in for evidence that users' requests do not give.
   * `watch`: only shown.
   */
  readonly role: 'gate' | 'alarm' | 'voucher' | 'watch';
  /** That it is worse; null: it is not a matter of evidence, or nothing was measured yet. */
  readonly worse: Evidence | null;
  /** What was seen, in one line. */
  readonly proof: string;
}

/** The proof of a guard that has seen nothing. */
export const NOT_MEASURED = 'nothing measured yet';

/** One bad request decides nothing, however unlikely it was: it may be the only one of its kind. */
const BAD_MIN = 2;

/** Evidence against the candidate, at the rate of false alarms that its guard may spend. */
export function evidenceFrom(log: number, alpha: number, candidate: Rate): Evidence {
  return { log: candidate.bad < BAD_MIN ? Math.min(0, log) : log, neededLog: Math.log(1 / alpha) };
}

export const isReached = ({ log, neededLog }: Evidence): boolean => log >= neededLog;

/** Worse wins over everything; same needs all that can say so; a judge without guards never says anything (R8). */
export function verdictOf(findings: readonly Pick<Finding, 'verdict' | 'same'>[]): Verdict {
  if (findings.some(({ verdict }) => verdict === 'worse')) return 'worse';
  const promoting = findings.filter(({ same }) => same !== null);
  if (promoting.length === 0) return 'not-enough-evidence';
  return promoting.every(({ verdict }) => verdict === 'better-or-same')
    ? 'better-or-same'
    : 'not-enough-evidence';
}
