/** A candidate against stable beside it, under the same weight: what both share cancels. */
import type { Asked, Guard } from './guard.ts';
import { boundOf, type Measure, rateOf, split, total, unitsOf } from './measure.ts';
import { logSumExp } from './numeric.ts';
import type { Observation } from './observed.ts';
import { driftBelow, evidenceOfBelow, type Rate, rateInterval } from './rate.ts';
import { evidenceOfBetter, evidenceOfWorse, ratioInterval } from './ratio.ts';
import { type Evidence, evidenceFrom, type Finding, isReached, type Verdict } from './verdict.ts';

export function besideStable(measure: Measure, level: { alpha: number; beta: number }): Guard {
  const { guard, counts, tolerate, frequency } = measure;
  const bounds = boundsOf(measure);
  return ({ release, stage }): Asked => {
    const rows = badRows(release, measure);
    const candidate = rateOf(release, 'candidate', measure);
    const worse = evidenceFrom(evidenceOfWorse(rows, tolerate, frequency), level.alpha, candidate);
    const same = { log: evidenceOfSame(measure, bounds, stage), neededLog: Math.log(1 / level.beta) };
    const verdict = wordOf(worse, same);
    const tolerated = { type: 'ratio', value: tolerate } as const;
    const explain = (): Finding => {
      const { from, to } = ratioInterval(rows, level.alpha, frequency);
      const inStage = rateOf(stage, 'candidate', measure);
      return {
        ...{ guard, counts, verdict, worse, same, tolerated, candidate },
        stageRequests: inStage.requests,
        stable: rateOf(release, 'stable', measure),
        effect: { from, to: to === Infinity ? null : to },
        missingRequests: missing(bounds, same, inStage),
      };
    };
    return { verdict, same, tolerated, explain };
  };
}

/** Stable's rate in the past is taken at the cautious end of this interval. */
const PAST_ALPHA = 0.05;

/** Rates below which it is good enough by itself: negligible ones, and what the past gives, for those whom it knows. */
interface Bounds {
  readonly negligible: readonly number[];
  readonly past: readonly number[];
}

function boundsOf({ negligible, past, tolerate }: Measure): Bounds {
  const known = rateInterval(total(past), PAST_ALPHA).from;
  const positive = (bound: number) => (bound > 0 ? [bound] : []);
  return { negligible: positive(negligible ?? 0), past: positive(boundOf(known, tolerate)) };
}

/**
 * Against "at least `tolerate` times stable's rate, and not negligible": the mean of e-values for hypotheses that
 * each contain it. Beside a small share of the candidate the live comparison learns slowly, so stable's past
 * serves as a bound too, where it is known.
 */
function evidenceOfSame(measure: Measure, bounds: Bounds, stage: readonly Observation[]): number {
  const all = perDecision(stage, measure);
  const everybody = stage.filter(({ rule }) => rule === null);
  const known = everybody.length === stage.length ? all : perDecision(everybody, measure);
  const routes = [
    evidenceOfBetter(badRows(stage, measure), measure.tolerate),
    ...bounds.negligible.map((bound) => evidenceOfBelow(all, bound)),
    ...bounds.past.map((bound) => evidenceOfBelow(known, bound)),
  ];
  return logSumExp(routes) - Math.log(routes.length);
}

/**
 * Where traffic is sticky a session's errors count once, so the good ones have to be sessions too: fewer than
 * requests, and independent of each other. By a hash it is keys, of which at least so many came.
 */
function perDecision(rows: readonly Observation[], { of }: Measure): Rate {
  let bad = 0;
  let requests = 0;
  for (const { candidate } of rows) {
    const rate = of(candidate);
    bad += rate.bad;
    requests += Math.max(rate.bad, Math.min(rate.requests, unitsOf(candidate)));
  }
  return { bad, requests };
}

function wordOf(worse: Evidence, same: Evidence): Verdict {
  if (isReached(worse)) return 'worse';
  return isReached(same) ? 'better-or-same' : 'not-enough-evidence';
}

/** At the rates seen so far, how many more requests of the candidate; null when they lead nowhere. */
function missing({ negligible, past }: Bounds, same: Evidence, candidate: Rate): number | null {
  if (isReached(same)) return 0;
  const left = same.neededLog - same.log;
  const seen = candidate.requests > 0 ? same.log / candidate.requests : 0;
  const truth = candidate.requests > 0 ? candidate.bad / candidate.requests : 0;
  const drift = Math.max(seen, ...[...negligible, ...past].map((bound) => driftBelow(truth, bound)));
  return drift > 0 ? Math.ceil(left / drift) : null;
}

function badRows(rows: readonly Observation[], { of, worth }: Measure) {
  const each = worth(rows);
  return split(rows).map(({ share, candidate, stable }) => ({
    share,
    candidate: each * of(candidate).bad,
    stable: each * of(stable).bad,
  }));
}
