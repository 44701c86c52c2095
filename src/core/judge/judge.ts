/**
 * The verdict on a candidate. Pure, and a function of counts: it may be asked after every request without raising
 * the rate of false alarms above what the user set for the release, because every guard is an e-process and the
 * guards share that rate (Bonferroni).
 */
import { evidenceOfMismatch } from './assignment.ts';
import { boundOf, type Measure, measuresOf, rateOf, split, total } from './measure.ts';
import { logSumExp } from './numeric.ts';
import type { Observation, Observed } from './observed.ts';
import { againstPast } from './past.ts';
import { driftBelow, evidenceOfAbove, evidenceOfBelow, type Rate, rateInterval } from './rate.ts';
import { evidenceOfBetter, evidenceOfWorse, ratioInterval } from './ratio.ts';
import { type Evidence, evidenceFrom, type Finding, isReached, type Verdict, verdictOf } from './verdict.ts';

export interface JudgeRules {
  /** Of healthy releases that may be taken back, at most this share. */
  readonly falseAlarms: number;
  /** Of releases worse than tolerated that a stage may let pass, at most this share. */
  readonly falsePasses: number;
  readonly errors: {
    /** Times stable's rate. */
    readonly tolerate: number;
    /** A rate below this is good enough whatever stable's is. */
    readonly negligible: number;
    /** No candidate may be above this rate, whatever stable's is; null: no ceiling. */
    readonly max: number | null;
  };
  readonly latency: {
    /** Times stable's share of slow requests. */
    readonly tolerate: number;
    /** Slow is what lies beyond these quantiles of stable's past. */
    readonly quantiles: readonly number[];
    /** Requests beyond a quantile that the past must have before it is a threshold. */
    readonly pastRequestsMin: number;
  };
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  /** The split that was seen is not the one that was asked for: no promotion until it is explained (R3). */
  readonly mismatch: Evidence;
}

/** Of a measure's false alarms: what the comparison with stable beside it may spend when there is a past too. */
const LIVE_SHARE = 0.5;
const PAST_SHARE = 1 - LIVE_SHARE;
/** Stable's rate in the past is taken at the cautious end of this interval. */
const PAST_ALPHA = 0.05;

export function judge(rules: JudgeRules, observed: Observed): Judgement {
  const measures = measuresOf(rules, observed);
  const findings = [
    ...measures.flatMap((measure) => [
      live(measure, observed, {
        alpha: measure.past.length > 0 ? measure.alpha * LIVE_SHARE : measure.alpha,
        beta: rules.falsePasses,
      }),
      ...againstPast(measure, observed, measure.alpha * PAST_SHARE),
    ]),
    ...ceilings(rules, measures, observed),
  ];
  const rows = split(observed.release);
  const assigned = rows.map(({ share, candidate, stable }) => ({
    share,
    candidate: candidate.assigned,
    stable: stable.assigned,
  }));
  const mismatch: Evidence = {
    log: evidenceOfMismatch(assigned),
    neededLog: Math.log(1 / rules.falseAlarms),
  };
  return { verdict: isReached(mismatch) ? withoutSplit(findings) : verdictOf(findings), findings, mismatch };
}

/** A comparison of both sides rests on the split; one with a bound does not. Going on is never safe. */
function withoutSplit(findings: readonly Finding[]): Verdict {
  const sound = findings.filter(({ tolerated }) => tolerated.type === 'rate');
  return verdictOf(sound) === 'worse' ? 'worse' : 'not-enough-evidence';
}

/** Against stable beside it: what both share cancels. */
function live(
  measure: Measure,
  { release, stage }: Observed,
  level: { alpha: number; beta: number },
): Finding {
  const { tolerate, frequency } = measure;
  const rows = badRows(release, measure);
  const candidate = rateOf(stage, 'candidate', measure);
  const sinceRelease = rateOf(release, 'candidate', measure);
  const worse = evidenceFrom(evidenceOfWorse(rows, tolerate, frequency), level.alpha, sinceRelease);
  const same = {
    log: evidenceOfSame(measure, stage, candidate),
    neededLog: Math.log(1 / level.beta),
  };
  return {
    guard: measure.guard,
    verdict: wordOf(worse, same),
    worse,
    same,
    candidate: sinceRelease,
    stable: rateOf(release, 'stable', measure),
    tolerated: { type: 'ratio', value: tolerate },
    effect: ratioInterval(rows, level.alpha, frequency),
    missingRequests: missing(measure, same, candidate),
  };
}

/**
 * Against "at least `tolerate` times stable's rate, and not negligible": the mean of e-values for hypotheses that
 * each contain it. Beside a small share of the candidate the live comparison learns slowly, so stable's past
 * serves as a bound too, where it is known.
 */
function evidenceOfSame(measure: Measure, stage: readonly Observation[], candidate: Rate): number {
  const routes = [
    evidenceOfBetter(badRows(stage, measure), measure.tolerate),
    ...goodEnough(measure).map((bound) => evidenceOfBelow(candidate, bound)),
  ];
  return logSumExp(routes) - Math.log(routes.length);
}

/** Rates below which a candidate is good enough by itself. */
function goodEnough({ negligible, past, tolerate }: Measure): number[] {
  const known = rateInterval(total(past), PAST_ALPHA).from;
  const bounds = [negligible ?? 0, boundOf(known, tolerate)];
  return bounds.filter((bound) => bound > 0);
}

/** Whatever stable does: it shares what errors may spend. */
function ceilings(
  { errors: { max } }: JudgeRules,
  measures: readonly Measure[],
  { release }: Observed,
): Finding[] {
  const [errors] = measures;
  if (max === null || !errors) return [];
  const candidate = rateOf(release, 'candidate', errors);
  const worse = evidenceFrom(evidenceOfAbove(candidate, max), errors.alpha, candidate);
  return [
    {
      guard: 'error ceiling',
      verdict: wordOf(worse, null),
      worse,
      same: null,
      candidate,
      stable: null,
      tolerated: { type: 'rate', value: max },
      effect: rateInterval(candidate, errors.alpha),
      missingRequests: null,
    },
  ];
}

function wordOf(worse: Evidence, same: Evidence | null): Verdict {
  if (isReached(worse)) return 'worse';
  return same !== null && isReached(same) ? 'better-or-same' : 'not-enough-evidence';
}

/** At the rates seen so far, how many more requests of the candidate; null when they lead nowhere. */
function missing(measure: Measure, same: Evidence, candidate: Rate): number | null {
  if (isReached(same)) return 0;
  const left = same.neededLog - same.log;
  const seen = candidate.requests > 0 ? same.log / candidate.requests : 0;
  const truth = candidate.requests > 0 ? candidate.bad / candidate.requests : 0;
  const drift = Math.max(seen, ...goodEnough(measure).map((bound) => driftBelow(truth, bound)));
  return drift > 0 ? Math.ceil(left / drift) : null;
}

function badRows(rows: readonly Observation[], { of }: Measure) {
  return split(rows).map(({ share, candidate, stable }) => ({
    share,
    candidate: of(candidate).bad,
    stable: of(stable).bad,
  }));
}
