/** OFREP 0.3.0: what goes over the wire for an evaluation, and what of a request can be understood. */
import type { Context, Evaluation } from './evaluation.ts';
import { isMap, type Json } from './json.ts';
import type { Metadata } from './definition.ts';

export const OFREP_PATH = '/ofrep/v1/evaluate/flags';
export const OFREP_STREAM_PATH = '/ofrep/v1/streams';

export interface OfrepSuccess {
  readonly key: string;
  /** Left out: the default in the code. */
  readonly value?: Json;
  readonly reason: 'STATIC' | 'TARGETING_MATCH' | 'SPLIT' | 'DISABLED' | 'UNKNOWN';
  readonly variant?: string;
  readonly metadata?: Metadata;
}

export interface OfrepFailure {
  readonly key?: string;
  readonly errorCode:
    'PARSE_ERROR' | 'TARGETING_KEY_MISSING' | 'INVALID_CONTEXT' | 'GENERAL' | 'FLAG_NOT_FOUND';
  readonly errorDetails: string;
}

/** The protocol has no word for "nothing matched": the variant says which default it was. */
const REASONS = {
  STATIC: 'STATIC',
  DEFAULT: 'UNKNOWN',
  TARGETING_MATCH: 'TARGETING_MATCH',
  SPLIT: 'SPLIT',
  DISABLED: 'DISABLED',
  ERROR: 'UNKNOWN',
} as const;

export function ofrepOf({
  flag,
  variant,
  value,
  reason,
  error,
  metadata,
}: Evaluation): OfrepSuccess | OfrepFailure {
  if (error) return { key: flag, errorCode: error.code, errorDetails: error.detail };
  return {
    key: flag,
    ...(value === undefined ? {} : { value }),
    reason: REASONS[reason],
    ...(variant === null ? {} : { variant }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  };
}

export type OfrepRead =
  | { readonly ok: true; readonly context: Context }
  | {
      readonly ok: false;
      readonly errorCode: 'PARSE_ERROR' | 'INVALID_CONTEXT';
      readonly errorDetails: string;
    };

export function readOfrep(text: string): OfrepRead {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { ok: false, errorCode: 'PARSE_ERROR', errorDetails: 'The body is not JSON.' };
  }
  const context = isMap(body) ? body['context'] : undefined;
  const wrong = (errorDetails: string) =>
    ({ ok: false, errorCode: 'INVALID_CONTEXT', errorDetails }) as const;
  if (!isMap(context)) return wrong('The body has to have a context, and it has to be an object.');
  const key = context['targetingKey'];
  if (key !== undefined && key !== null && typeof key !== 'string')
    return wrong('context.targetingKey has to be a text.');
  return { ok: true, context };
}
