import type { Json } from './json.ts';
import type { Metadata } from './definition.ts';

/** `DEFAULT`: nothing matched. `SPLIT`: a share of `fractional` decided. The others are OpenFeature's. */
export type Reason = 'STATIC' | 'DEFAULT' | 'TARGETING_MATCH' | 'SPLIT' | 'DISABLED' | 'ERROR';

export interface Evaluation {
  readonly flag: string;
  /** Null: the default in the code. */
  readonly variant: string | null;
  readonly value: Json | undefined;
  readonly reason: Reason;
  readonly error: {
    readonly code: 'FLAG_NOT_FOUND' | 'PARSE_ERROR' | 'GENERAL';
    readonly detail: string;
  } | null;
  readonly metadata: Metadata;
}

export type Context = Readonly<Record<string, unknown>>;
