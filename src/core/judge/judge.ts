/**
 * The verdict on a candidate. Pure, and a function of counts: it may be asked after every request without raising
 * the rate of false alarms above what the user set for the release, because every guard is an e-process and the
 * guards share that rate (Bonferroni).
 */
import { evidenceOfMismatch } from './assignment.ts';
import { requestsIn, slowerThan, thresholdBucket } from './latency.ts';
import { logSumExp } from './numeric.ts';
import type { Observation, Observed, Side } from './observed.ts';
import { driftBelow, evidenceOfAbove, evidenceOfBelow, type Rate, rateInterval } from './rate.ts';
import { evidenceOfBetter, evidenceOfWorse, ratioInterval } from './ratio.ts';
import { type Evidence, type Finding, isReached, type Verdict, verdictOf } from './verdict.ts';

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

/** Measures of one guard: what is bad, on both sides, row by row. */
interface Measure {
  readonly guard: string;
  readonly tolerate: number;
  /** Good enough below this, whatever stable's rate is. */
  readonly negligible: number | null;
  readonly badOf: (side: Side) => number;
  /** Stable's rates in the windows of its past; none: unknown. */
  readonly past: readonly Rate[];
}

/** Of a measure's false alarms: what the comparison with stable beside it may spend when there is a past too. */
const LIVE_SHARE = 0.5;
const PAST_SHARE = 1 - LIVE_SHARE;
/** Stable's rate in the past is taken at the cautious end of this interval. */
const PAST_ALPHA = 0.05;

export function judge(rules: JudgeRules, observed: Observed): Judgement {
  const measures = [errorsOf(rules, observed), ...latenciesOf(rules, observed)];
  const ceilings = rules.errors.max === null ? [] : [rules.errors.max];
  const alpha = rules.falseAlarms / (measures.length + ceilings.length);
  const findings = [
    ...measures.flatMap((measure) => [
      live(measure, observed, {
        alpha: measure.past.length > 0 ? alpha * LIVE_SHARE : alpha,
        beta: rules.falsePasses,
      }),
      ...againstPast(measure, observed, alpha * PAST_SHARE),
    ]),
    ...ceilings.map((max) => ceiling(max, observed, alpha)),
  ];
  const rows = observed.release.filter(({ share }) => share > 0 && share < 1);
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

function errorsOf({ errors }: JudgeRules, { past }: Observed): Measure {
  return {
    guard: 'errors',
    tolerate: errors.tolerate,
    negligible: errors.negligible,
    badOf: (side) => side.errors,
    past: past?.windows.map(({ errors: bad, requests }) => ({ bad, requests })) ?? [],
  };
}

function latenciesOf({ latency }: JudgeRules, { past }: Observed): Measure[] {
  if (past === null) return [];
  const whole = past.windows.flatMap((window) => window.latency);
  return latency.quantiles.flatMap((quantile) => {
    const bucket = thresholdBucket(whole, quantile, latency.pastRequestsMin);
    if (bucket === undefined) return [];
    return {
      guard: `p${quantile * 100}`,
      tolerate: latency.tolerate,
      negligible: null,
      badOf: (side: Side) => slowerThan(side.latency, bucket),
      past: past.windows.map((window) => ({
        bad: slowerThan(window.latency, bucket),
        requests: requestsIn(window.latency),
      })),
    };
  });
}

/** Against stable beside it: what both share cancels. */
function live(
  measure: Measure,
  { release, stage }: Observed,
  level: { alpha: number; beta: number },
): Finding {
  const { tolerate } = measure;
  const rows = badRows(release, measure);
  const candidate = rateOf(stage, 'candidate', measure);
  const worse = {
    log: evidenceOfWorse(rows, tolerate),
    neededLog: Math.log(1 / level.alpha),
  };
  const same = {
    log: evidenceOfSame(measure, stage, candidate),
    neededLog: Math.log(1 / level.beta),
  };
  return {
    guard: measure.guard,
    verdict: wordOf(worse, same),
    worse,
    same,
    candidate: rateOf(release, 'candidate', measure),
    stable: rateOf(release, 'stable', measure),
    tolerated: { type: 'ratio', value: tolerate },
    effect: ratioInterval(rows, level.alpha),
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
  const bounds = [negligible ?? 0, tolerated(known, tolerate)];
  return bounds.filter((bound) => bound > 0);
}

/** Never a certainty, of which there would be nothing to test. */
const tolerated = (rate: number, tolerate: number) => Math.min(rate * tolerate, (1 + rate) / 2);

const total = (rates: readonly Rate[]): Rate => ({
  bad: rates.reduce((all, { bad }) => all + bad, 0),
  requests: rates.reduce((all, { requests }) => all + requests, 0),
});

/**
 * Against what stable did before: says nothing good, but finds at full traffic what nothing beside it shows, and
 * learns faster than a comparison with noise. The worst window counts, since rates drift with the day.
 */
function againstPast(measure: Measure, { release }: Observed, alpha: number): Finding[] {
  const stable = total(measure.past);
  if (stable.requests === 0) return [];
  const worst = Math.max(...measure.past.map(({ bad, requests }) => (requests > 0 ? bad / requests : 0)));
  const known = Math.max(worst, rateInterval(stable, alpha / 2).to);
  const bound = tolerated(known, measure.tolerate);
  const candidate = rateOf(release, 'candidate', measure);
  const worse = { log: evidenceOfAbove(candidate, bound), neededLog: Math.log(2 / alpha) };
  return [
    {
      guard: `${measure.guard} against the past`,
      verdict: wordOf(worse, null),
      worse,
      same: null,
      candidate,
      stable,
      tolerated: { type: 'rate', value: bound },
      effect: rateInterval(candidate, alpha / 2),
      missingRequests: null,
    },
  ];
}

function ceiling(max: number, { release }: Observed, alpha: number): Finding {
  const candidate = sum(release, 'candidate', (side) => side.errors);
  const worse = { log: evidenceOfAbove(candidate, max), neededLog: Math.log(1 / alpha) };
  return {
    guard: 'error ceiling',
    verdict: wordOf(worse, null),
    worse,
    same: null,
    candidate,
    stable: null,
    tolerated: { type: 'rate', value: max },
    effect: rateInterval(candidate, alpha),
    missingRequests: null,
  };
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

function badRows(rows: readonly Observation[], { badOf }: Measure) {
  return rows
    .filter(({ share }) => share > 0 && share < 1)
    .map(({ share, candidate, stable }) => ({ share, candidate: badOf(candidate), stable: badOf(stable) }));
}

function rateOf(rows: readonly Observation[], side: 'candidate' | 'stable', { badOf }: Measure): Rate {
  return sum(rows, side, badOf);
}

function sum(
  rows: readonly Observation[],
  side: 'candidate' | 'stable',
  badOf: (side: Side) => number,
): Rate {
  let bad = 0;
  let requests = 0;
  for (const row of rows) {
    bad += badOf(row[side]);
    requests += row[side].requests;
  }
  return { bad, requests };
}
