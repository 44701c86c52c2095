/**
 * What other controllers do with the same traffic: their rules as their sources state them, with their defaults
 * or the values of their documentation's examples. They see a minute at a time, as their queries do.
 */
import type { Decision } from './decision.ts';
import { highByMannWhitney } from './mann-whitney.ts';
import type { Minute } from './release.ts';

export interface Rule {
  readonly name: string;
  decide(minutes: readonly Minute[]): Decision | null;
}

const SECONDS = 60;

/**
 * Argo Rollouts: a measurement each interval over the interval's requests, failed below the success condition;
 * the run fails when failed measurements exceed `failureLimit`. Without requests there is no measurement to fail.
 */
export function argo(options: { intervalMinutes: number; successMin: number; failureLimit: number }): Rule {
  const { intervalMinutes, successMin, failureLimit } = options;
  const every = intervalMinutes === 1 ? 'a minute' : `${intervalMinutes} minutes`;
  return {
    name: `Argo (${successMin * 100}%, every ${every}, failureLimit ${failureLimit})`,
    decide: (minutes) => {
      let failed = 0;
      for (let end = intervalMinutes; end <= minutes.length; end += intervalMinutes) {
        const success = successOf(minutes.slice(end - intervalMinutes, end));
        if (success !== null && success < successMin) failed += 1;
        if (failed > failureLimit) return decisionAt(minutes, end);
      }
      return null;
    },
  };
}

/**
 * Flagger: a check each interval over the last minute; a failed one counts up and nothing counts down; at
 * `threshold` the next tick rolls back. A minute without requests is a failed check.
 */
export function flagger(options: { successMin: number; threshold: number }): Rule {
  const { successMin, threshold } = options;
  return {
    name: `Flagger (${successMin * 100}%, threshold ${threshold})`,
    decide: (minutes) => {
      let failed = 0;
      for (let end = 1; end <= minutes.length; end += 1) {
        if (failed >= threshold) return decisionAt(minutes, end);
        const success = successOf(minutes.slice(end - 1, end));
        if (success === null || success < successMin) failed += 1;
      }
      return null;
    },
  };
}

/**
 * Kayenta: the error rates of all minutes so far on both sides, by the Mann-Whitney classifier (tolerance 0.25,
 * confidence 0.98), judged first with 50 points, as its documentation asks, and then every ten minutes.
 */
export function kayenta(): Rule {
  const [first, every] = [50, 10];
  return {
    name: 'Kayenta (50 points, then every 10 minutes)',
    decide: (minutes) => {
      for (let end = first; end <= minutes.length; end += every) {
        const past = minutes.slice(0, end);
        const candidate = past.map((minute) => rateOf(minute.candidate));
        const stable = past.map((minute) => rateOf(minute.stable));
        if (highByMannWhitney(candidate, stable)) return decisionAt(minutes, end);
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

const rateOf = ({ requests, errors }: Minute['stable']) => (requests === 0 ? 0 : errors / requests);

function decisionAt(minutes: readonly Minute[], end: number): Decision {
  const candidateRequests = minutes.slice(0, end).reduce((sum, { candidate }) => sum + candidate.requests, 0);
  return { atS: end * SECONDS, candidateRequests };
}
