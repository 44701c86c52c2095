import type { ErrorCode, ErrorRecord } from '../errors.ts';

const PASSING: ReadonlySet<ErrorCode> = new Set([
  'DATABASE_UNREACHABLE',
  'DATABASE_BUSY',
  'DATABASE_LOCKED',
  'DATABASE_FULL',
] as const);

/** It passes by itself, or by a person who makes room: nothing is wrong with the change. */
export const isPassing = ({ code }: Pick<ErrorRecord, 'code'>): boolean => PASSING.has(code);
