/** What PostgreSQL and the connection to it say, as errors that say what to do (SQLSTATE: its manual, appendix A). */
import { SegueError } from '../../../core/errors.ts';

const LOCKED: ReadonlySet<string> = new Set(['55P03', '40P01']);
const GONE: ReadonlySet<string> = new Set([
  '57P01',
  '57P02',
  '57P03',
  '08000',
  '08003',
  '08006',
  '08001',
  '08004',
]);
const SOCKET: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
]);

/** SQLSTATE, or the code of a socket's error; '' for anything else. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** A lock timeout or a deadlock: the transaction is gone, and may be tried again. */
export const isLocked = (error: unknown): boolean => LOCKED.has(codeOf(error));

/** The connection was lost: what became of the transaction has to be looked up. */
export function isLost(error: unknown): boolean {
  const code = codeOf(error);
  if (GONE.has(code) || SOCKET.has(code)) return true;
  return (
    error instanceof Error && /connection terminated|not queryable|client was closed/i.test(error.message)
  );
}

/** `doing` says what was under way, for the message. */
export function failureOf(error: unknown, doing: string): unknown {
  if (error instanceof SegueError || !(error instanceof Error)) return error;
  const code = codeOf(error);
  if (isLost(error))
    return new SegueError('DATABASE_UNREACHABLE', `${doing}: ${error.message}`, { cause: error });
  if (!/^[0-9A-Z]{5}$/.test(code)) return error;
  const detail = `${doing}: ${describe(error)}`;
  if (code === '42501') return new SegueError('DATABASE_FORBIDDEN', detail, { cause: error });
  if (code.startsWith('53') || code === '58030')
    return new SegueError('DATABASE_FULL', detail, { cause: error });
  if (LOCKED.has(code)) return new SegueError('DATABASE_LOCKED', detail, { cause: error });
  // PgBouncer's word for a transaction where each statement gets another connection.
  if (code === '25006' || (code === '08P01' && error.message.includes('statement pooling')))
    return new SegueError('DATABASE_UNSUPPORTED', detail, { cause: error });
  return new SegueError('DATABASE_STATEMENT_FAILED', `${detail} (SQLSTATE ${code})`, { cause: error });
}

function describe(error: Error): string {
  const more = ['detail', 'hint', 'where'].flatMap((key) => {
    const value: unknown = Reflect.get(error, key);
    return typeof value === 'string' && value !== '' ? [value.split('\n')[0] ?? ''] : [];
  });
  return [error.message, ...more].join(' ');
}

export function refusedConnection(error: unknown): unknown {
  const message =
    error instanceof AggregateError ? String(error.errors[0]) : error instanceof Error ? error.message : '';
  const code = codeOf(error);
  if (code === '28P01' || code === '28000')
    return new SegueError('DATABASE_FORBIDDEN', message, { cause: error });
  return new SegueError('DATABASE_UNREACHABLE', message, { cause: error });
}
