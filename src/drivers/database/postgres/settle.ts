/** Rows that the new version wrote and that somebody held in the old table: brought in step once they are free. */
import { showTable } from '../../../core/database/identifier.ts';
import type { Pending } from '../../../core/database/step.ts';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import { describeBlocker, findBlockers } from './blockers.ts';
import type { Connections, Session } from './connection.ts';
import { isLocked } from './failure.ts';
import type { RunContext } from './run-context.ts';

const { lockTimeoutMs, lockPauseMinMs } = limits.database;

/** As far as nobody holds them; gives how many are left. What was never made has none. */
async function settle(session: Session, { settle: call }: Pending): Promise<number> {
  const there = await session.query<{ there: boolean }>('SELECT to_regprocedure($1) IS NOT NULL AS there', [
    call,
  ]);
  if (!there.rows[0]?.there) return 0;
  return (await session.query<{ left: number }>(`SELECT ${call}::int AS left`)).rows[0]?.left ?? 0;
}

/** Each in a transaction of its own: what can be had is done. */
export async function settleOnce(connections: Connections, pending: readonly Pending[]): Promise<number> {
  let left = 0;
  for (const each of pending)
    left += await connections.transaction({ lockTimeoutMs }, (session) => settle(session, each));
  return left;
}

/** Until nothing is left; throws DATABASE_LOCKED. */
export async function settleAll(context: RunContext, pending: readonly Pending[]): Promise<void> {
  const { connections, clock, watch, change, lockWaitMs } = context;
  if (pending.length === 0) return;
  const untilMs = clock.monotonicMs() + lockWaitMs;
  for (;;) {
    const left = await settleOnce(connections, pending).catch((error: unknown) => {
      if (isLocked(error)) return 1;
      throw error;
    });
    if (left === 0) return;
    const tables = pending.map(({ table }) => table);
    const blockers = await findBlockers(connections, tables, 0);
    watch.onWait?.(blockers);
    if (watch.signal?.aborted)
      throw new SegueError('BACKFILL_STOPPED', `${change} waited for ${left} rows that others hold.`);
    if (clock.monotonicMs() >= untilMs)
      throw new SegueError(
        'DATABASE_LOCKED',
        [
          `${change}: ${left} rows that the new version wrote are held by others in ${tables.map(showTable).join(', ')}, and not in step yet. In the way:`,
          ...blockers.map(describeBlocker),
        ].join('\n'),
      );
    await clock.sleep(lockPauseMinMs);
  }
}
