import { DEFAULT_GUARDS, type GuardChoices } from './guard-choices.ts';

/** What the user demands of a candidate, and how often the judge may be wrong. */
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
    /** Windows that the past must have before a candidate is held against it: latencies drift more than errors do. */
    readonly pastWindowsMin: number;
    /** No candidate's quantile may be above this, whatever stable's is. */
    readonly ceilings: readonly LatencyCeiling[];
  };
}

/**
 * Without what is said of latencies. Where a hash of requests keeps clients together nobody knows how much of the
 * traffic is one client's, and one that is slow by itself would be evidence many times over.
 */
export function withoutLatency(rules: JudgeRules): JudgeRules {
  return { ...rules, latency: { ...rules.latency, quantiles: [], ceilings: [] } };
}

export interface LatencyCeiling {
  /** 0.99: at most one request in a hundred may be slower. */
  readonly quantile: number;
  readonly maxMs: number;
}

/** What becomes of a stage that stays unclear for longer than its patience. */
export type OnUnsure = 'hold' | 'promote' | 'back';

/** The judge of a service, as segue.yaml gives it. */
export interface JudgeChoice {
  readonly rules: JudgeRules;
  /** New instances are cold: for so long after their first request latencies say nothing, where no baseline is as cold. */
  readonly warmUpMs: number;
  readonly patienceMs: number;
  readonly onUnsure: OnUnsure;
  /** What is looked at beside the requests of users. */
  readonly guards: GuardChoices;
}

/** Without a word in the file. `docs/releases.md` says why these. */
export const DEFAULT_JUDGE: JudgeChoice = {
  rules: {
    falseAlarms: 0.01,
    falsePasses: 0.05,
    errors: { tolerate: 1.5, negligible: 0.005, max: null },
    latency: {
      tolerate: 2,
      quantiles: [0.5, 0.95, 0.99],
      pastRequestsMin: 50,
      pastWindowsMin: 6,
      ceilings: [],
    },
  },
  warmUpMs: 10_000,
  patienceMs: 30 * 60_000,
  onUnsure: 'hold',
  guards: DEFAULT_GUARDS,
};
