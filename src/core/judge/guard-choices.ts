/** What a service's `judge:` asks for beside the counts of the gateway. */
import type { SmokeTest } from '../project.ts';

export interface GuardChoices {
  readonly metrics: Readonly<Record<string, MetricChoice>>;
  /** Null: off. */
  readonly saturation: SaturationChoice | null;
  readonly probes: ProbesChoice | null;
}

/** Where a value is asked for. Texts may hold `{{version}}` and the like; values of headers may be `env:NAME`. */
export type MetricOrigin =
  | {
      readonly type: 'prometheus';
      readonly url: string;
      readonly query: string;
      readonly headers: Readonly<Record<string, string>>;
    }
  | {
      readonly type: 'json';
      readonly url: string;
      /** The way to the number in the answer: names of members, and places in lists. */
      readonly value: readonly string[];
      readonly headers: Readonly<Record<string, string>>;
    };

export interface MetricChoice {
  readonly origin: MetricOrigin;
  readonly everyMs: number;
  readonly timeoutMs: number;
  /** How far back one value looks: values closer together than this share what they saw, and count once. */
  readonly overMs: number;
  readonly rule: MetricRule;
}

export type MetricRule =
  | {
      readonly type: 'bound';
      readonly min: number | null;
      readonly max: number | null;
      /** So many in a row decide, either way. */
      readonly readings: number;
    }
  | {
      readonly type: 'compare';
      /** How many times worse than stable's a value may be; 1 or more. */
      readonly tolerate: number;
      readonly worse: 'higher' | 'lower';
      /** With `worse: higher`, a candidate's value up to this is never worse. */
      readonly negligible: number;
    }
  | { readonly type: 'watch' };

export interface SaturationChoice {
  readonly everyMs: number;
  /** New instances are not measured before this. */
  readonly warmupMs: number;
  /** Times stable's processor time per request; null, here and below: not judged. */
  readonly cpu: number | null;
  /** Times stable's memory per instance. */
  readonly memory: number | null;
  /** Times what stable takes to answer its readiness check. */
  readonly delay: number | null;
  /** Of any instance. */
  readonly memoryMaxBytes: number | null;
  readonly growthBytesPerHour: number | null;
  /** Of one instance. */
  readonly restarts: number | null;
}

export interface ProbesChoice {
  readonly requests: readonly Extract<SmokeTest, { readonly type: 'http' }>[];
  /** To both sides together. */
  readonly perSecond: number;
  /** Whether they may stand in for users' requests where those are too few. */
  readonly promote: boolean;
}

/** So generous that what is taken back for it is far from alike. */
export const DEFAULT_GUARDS: GuardChoices = {
  metrics: {},
  saturation: {
    everyMs: 10_000,
    warmupMs: 60_000,
    cpu: 2,
    memory: 2,
    memoryMaxBytes: null,
    growthBytesPerHour: null,
    delay: 3,
    restarts: 2,
  },
  probes: null,
};
