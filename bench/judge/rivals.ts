/**
 * What other controllers do with the same traffic: their rules as their sources state them, with their defaults
 * or the values of their documentation's examples. They see a minute at a time, as their queries do, and lose no time
 * between a request and the query that counts it.
 */
import type { Decision, Rule } from './decision.ts';
import { highByMannWhitney } from './mann-whitney.ts';
import type { Minute } from './minutes.ts';
import { SECONDS_PER_MINUTE } from './scenario.ts';

/** The bound on p99 in Flagger's documentation, here for Argo as well, whose documentation has none. */
const P99_MAX_MS = 500;

/**
 * Argo Rollouts: two metrics, each measured every interval over the interval's requests and failed outside its
 * condition; the run fails when a metric's failed measurements exceed `failureLimit`. Without requests there is no
 * measurement to fail. The first measurement, at the beginning, has no requests.
 */
export function argo(options: { intervalMinutes: number; successMin: number; failureLimit: number }): Rule {
  const { intervalMinutes, successMin, failureLimit } = options;
  const every = intervalMinutes === 1 ? 'a minute' : `${intervalMinutes} minutes`;
  return {
    name: `Argo (${successMin * 100}%, every ${every}, failureLimit ${failureLimit})`,
    isOurs: false,
    decide: ({ minutes }) => {
      let failed = 0;
      let slow = 0;
      for (let end = intervalMinutes; end <= minutes.length; end += intervalMinutes) {
        const measured = minutes.slice(end - intervalMinutes, end);
        const success = successOf(measured);
        const p99Ms = p99Of(measured);
        if (success !== null && success < successMin) failed += 1;
        if (p99Ms !== null && p99Ms > P99_MAX_MS) slow += 1;
        if (failed > failureLimit || slow > failureLimit) return decisionAt(minutes, end);
      }
      return null;
    },
  };
}

/**
 * Flagger: a check of both metrics each interval over the last minute; a failed one counts up and nothing counts
 * down; at `threshold` the next tick rolls back. A minute without requests is a failed check.
 */
export function flagger(options: { successMin: number; threshold: number }): Rule {
  const { successMin, threshold } = options;
  return {
    name: `Flagger (${successMin * 100}%, ${P99_MAX_MS} ms, threshold ${threshold})`,
    isOurs: false,
    decide: ({ minutes }) => {
      let failed = 0;
      for (let end = 1; end <= minutes.length; end += 1) {
        if (failed >= threshold) return decisionAt(minutes, end);
        const checked = minutes.slice(end - 1, end);
        const success = successOf(checked);
        const p99Ms = p99Of(checked);
        const isGood = success !== null && p99Ms !== null && success >= successMin && p99Ms <= P99_MAX_MS;
        if (!isGood) failed += 1;
      }
      return null;
    },
  };
}

/**
 * Kayenta: error rate and p99 of all minutes so far, canary against a baseline of its size, by the Mann-Whitney
 * classifier (tolerance 0.25, confidence 0.98), judged first with 50 points, as its documentation asks, and then
 * every ten minutes. One metric of two that is High halves the score, below the marginal 75.
 */
export function kayenta(): Rule {
  const [first, every] = [50, 10];
  return {
    name: 'Kayenta (50 points, then every 10 minutes)',
    isOurs: false,
    decide: ({ minutes }) => {
      const isHigh = (seen: readonly Minute[], of: (side: Minute['candidate']) => number) =>
        highByMannWhitney(
          seen.map(({ candidate }) => of(candidate)),
          seen.map(({ baseline }) => of(baseline)),
        );
      for (let end = first; end <= minutes.length; end += every) {
        const seen = minutes.slice(0, end);
        if (isHigh(seen, errorRate) || isHigh(seen, ({ p99Ms }) => p99Ms ?? 0))
          return decisionAt(minutes, end);
      }
      return null;
    },
  };
}

function successOf(minutes: readonly Minute[]): number | null {
  const requests = minutes.reduce((sum, { candidate }) => sum + candidate.requests, 0);
  const errors = minutes.reduce((sum, { candidate }) => sum + candidate.errors, 0);
  return requests === 0 ? null : 1 - errors / requests;
}

/** The middle of the minutes' own. */
function p99Of(minutes: readonly Minute[]): number | null {
  const all = minutes.flatMap(({ candidate }) => (candidate.p99Ms === null ? [] : [candidate.p99Ms]));
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? null;
}

const errorRate = ({ requests, errors }: Minute['candidate']) => (requests === 0 ? 0 : errors / requests);

function decisionAt(minutes: readonly Minute[], end: number): Decision {
  const candidateRequests = minutes.slice(0, end).reduce((sum, { candidate }) => sum + candidate.requests, 0);
  return { atS: end * SECONDS_PER_MINUTE, candidateRequests };
}
