/** Ways to ask for a flag, so that one scenario can be told of each of them. */
import type { Context, Evaluation } from '../../src/core/flags/evaluation.ts';
import type { FlagSet } from '../../src/core/flags/flag-set.ts';

export const FLAG_TYPES = ['Boolean', 'String', 'Integer', 'Float', 'Long', 'Object'] as const;
export type FlagType = (typeof FLAG_TYPES)[number];

export interface FlagQuestion {
  readonly key: string;
  readonly type: FlagType;
  readonly fallback: unknown;
  readonly context: Context;
}

export interface FlagDetails {
  readonly key: string;
  readonly value: unknown;
  readonly reason: string | undefined;
  readonly variant: string | undefined;
  readonly error: string | undefined;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What a hook of an SDK was told. */
export interface HookCall {
  readonly stage: 'before' | 'after' | 'error' | 'finally';
  readonly details: FlagDetails | null;
}

export type FaceName = 'evaluator' | 'server' | 'socket' | 'web';

export interface FlagFace {
  readonly name: FaceName;
  evaluate(question: FlagQuestion, calls: HookCall[] | null): FlagDetails | Promise<FlagDetails>;
  /** The word it has for one of OpenFeature's. */
  wordFor(reason: string): string;
  /** Undefined: it has no such thing. */
  readonly status?: () => string;
  /** Gives a flag another value. */
  readonly modify?: (flag: string) => Promise<void>;
  /** Flags that were told to have changed, since the call before. */
  readonly changed?: () => readonly string[];
}

const TYPE_OF = {
  Boolean: 'boolean',
  String: 'string',
  Integer: 'number',
  Float: 'number',
  Long: 'number',
  Object: 'object',
} as const;

const NOW_MS = 1_700_000_000_000;

/** Our evaluator, with the type that the caller wants and its fallback for whatever is wrong, as an SDK has it. */
export function evaluatorFace(flags: FlagSet): FlagFace {
  return {
    name: 'evaluator',
    evaluate: ({ key, type, fallback, context }) => {
      const { variant, value, reason, error, metadata } = flags.evaluate(key, context, NOW_MS);
      const details = { key, variant: variant ?? undefined, metadata, error: error?.code };
      if (value === undefined) return { ...details, value: fallback, reason };
      if (typeof value !== TYPE_OF[type])
        return { ...details, value: fallback, reason: 'ERROR', error: 'TYPE_MISMATCH', variant: undefined };
      return { ...details, value, reason: flagdReason(reason) };
    },
    wordFor: (reason) => reason,
  };
}

/** flagd calls a share a match. */
const flagdReason = (reason: Evaluation['reason']) => (reason === 'SPLIT' ? 'TARGETING_MATCH' : reason);
