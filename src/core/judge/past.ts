/**
 * A candidate against what stable did before: says nothing good, but finds at full traffic what nothing beside it
 * shows, and learns faster than a comparison with noise. It rests on the past being a measure of today, so that
 * today speaks as well: stable's rate beside the candidate raises the bound when it is higher than it ever was.
 */
import type { Asked, Guard } from './guard.ts';
import { boundOf, type Measure, rateOf, timesWorth, total } from './measure.ts';
import type { Observation } from './observed.ts';
import { evidenceOfAbove, type Rate, rateInterval } from './rate.ts';
import { evidenceFrom, isReached } from './verdict.ts';

/** Of the guard's false alarms, what the bound itself may be wrong by. */
const BOUND_SHARE = 0.1;
/** So many bad requests is the past worth beside what stable does today. */
const PAST_BAD = 0.5;

/** None where nothing is known. */
export function againstPast(measure: Measure, alpha: number): Guard[] {
  const stable = total(measure.past);
  if (stable.requests === 0) return [];
  const known = knownRate(measure.past, alpha * BOUND_SHARE);
  const level = alpha * (1 - BOUND_SHARE);
  const guard = `${measure.guard} against the past`;
  return [
    ({ release, stage }): Asked => {
      // Whom a rule chooses is not whom the past knows.
      const rows = release.filter(({ rule }) => rule === null);
      const bound = boundOf(expected(measure, rows, known), measure.tolerate);
      const candidate = rateOf(rows, 'candidate', measure);
      const weighed = timesWorth(candidate, measure.worth(rows));
      const worse = evidenceFrom(evidenceOfAbove(weighed, bound, measure.frequency), level, candidate);
      const verdict = isReached(worse) ? 'worse' : 'not-enough-evidence';
      const tolerated = { type: 'rate', value: bound } as const;
      const explain = () => ({
        ...({
          guard,
          counts: measure.counts,
          verdict,
          worse,
          same: null,
          candidate,
          stable,
          tolerated,
        } as const),
        stageRequests: rateOf(stage, 'candidate', measure).requests,
        effect: rateInterval(weighed, level),
        missingRequests: null,
      });
      return { verdict, same: null, tolerated, explain };
    },
  ];
}

/** The worst window counts, since rates drift with the day, and what the whole past may hide. */
function knownRate(past: readonly Rate[], alpha: number): number {
  const worst = Math.max(...past.map(({ bad, requests }) => (requests > 0 ? bad / requests : 0)));
  return Math.max(worst, rateInterval(total(past), alpha).to);
}

/**
 * What stable's rate would have been for the candidate's own requests. Row by row: an incident late in a release
 * weighs little in stable's whole and much in a candidate's that had few requests before it.
 */
function expected(measure: Measure, release: readonly Observation[], known: number): number {
  let bad = 0;
  let requests = 0;
  for (const row of release) {
    const weight = measure.of(row.candidate).requests;
    bad += weight * Math.max(known, row.share < 1 ? besideOf(measure.of(row.stable), known) : 0);
    requests += weight;
  }
  return requests === 0 ? known : bad / requests;
}

/** Drawn towards the past while there is little of it. */
function besideOf({ bad, requests }: Rate, known: number): number {
  return (bad + PAST_BAD) / (requests + PAST_BAD / known);
}
