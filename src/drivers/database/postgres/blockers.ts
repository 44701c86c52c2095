/** Who is in the way: transactions that hold a lock on a table for longer than anybody may wait behind them. */
import type { Blocker } from '../../../core/database/runner.ts';
import { quoteTable, type TableName } from '../../../core/database/identifier.ts';
import { formatDurationMs } from '../../../core/units.ts';
import { limits } from '../../../core/limits.ts';
import type { Connections } from './connection.ts';

const QUERY = `
  SELECT DISTINCT a.pid, coalesce(a.usename, '') AS user, coalesce(nullif(a.application_name, ''), a.backend_type) AS application,
    coalesce(a.state, '') AS state, (extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::float8 AS "ageMs",
    left(regexp_replace(coalesce(a.query, ''), '\\s+', ' ', 'g'), 120) AS query
  FROM pg_locks l JOIN pg_stat_activity a USING (pid)
  WHERE l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.relation = ANY(SELECT to_regclass(name) FROM unnest($1::text[]) AS name) AND l.granted
    AND a.pid <> pg_backend_pid() AND a.xact_start < clock_timestamp() - make_interval(secs => $2)
  ORDER BY "ageMs" DESC LIMIT ${limits.database.blockersShown}`;

export async function findBlockers(
  connections: Connections,
  tables: readonly TableName[],
  olderThanMs: number,
): Promise<readonly Blocker[]> {
  if (tables.length === 0) return [];
  const { rows } = await connections.query<Blocker>(QUERY, [tables.map(quoteTable), olderThanMs / 1_000]);
  return rows;
}

/**
 * A vacuum gives way to whoever waits for it longer than deadlock_timeout, which Segue never does: it is asked.
 * Only some roles may; for the others it is waited for.
 */
export async function askVacuumsToGiveWay(
  connections: Connections,
  blockers: readonly Blocker[],
): Promise<void> {
  for (const { pid, application, query } of blockers)
    if (application === 'autovacuum worker' && !query.includes('to prevent wraparound'))
      await connections.query('SELECT pg_cancel_backend($1)', [pid]).catch(() => undefined);
}

export function describeBlocker({ pid, user, application, state, ageMs, query }: Blocker): string {
  const who = [user, application].filter((part) => part !== '').join(', ');
  return `pid ${pid} (${who}), ${state || 'running'} for ${formatDurationMs(ageMs)}: ${query}`;
}
