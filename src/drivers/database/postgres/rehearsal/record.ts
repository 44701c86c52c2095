/** What a database was asked most often, as pg_stat_statements counts it: with placeholders in place of values. */
import { SegueError } from '../../../../core/errors.ts';
import type { RecordedStatement } from '../../../../ports/database-rehearsal.ts';
import { codeOf, failureOf } from '../failure.ts';
import { OBSERVER, openSession } from './session.ts';

const STATEMENTS = `
  SELECT s.query AS sql, sum(s.calls)::float8 AS calls FROM pg_stat_statements s
  WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND s.query ~* '^\\s*(?:select|insert|update|delete|with)\\y' AND s.query !~* '\\y(?:pg_|information_schema|segue\\.)'
  GROUP BY s.query ORDER BY 2 DESC, 1 LIMIT $1`;

export async function recordStatements(url: string, most: number): Promise<readonly RecordedStatement[]> {
  const client = await openSession(url, OBSERVER);
  try {
    return (await client.query<RecordedStatement>(STATEMENTS, [most])).rows;
  } catch (error) {
    // No such table, or a server that was started without it.
    if (['42P01', '55000'].includes(codeOf(error)))
      throw new SegueError('REHEARSAL_NOT_RECORDED', error instanceof Error ? error.message : '', {
        cause: error,
      });
    throw failureOf(error, 'reading pg_stat_statements');
  } finally {
    await client.end();
  }
}
