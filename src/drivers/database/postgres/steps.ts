/**
 * Carries steps out. Before a lock is asked for, those in the way are looked for; it is waited for no longer
 * than the limit, and asked for again after a pause, so that nothing of the application's queues behind it.
 * What runs in a transaction is recorded in it; what cannot is looked for before it is done again.
 */
import { quoteName, quoteTable, type TableName } from '../../../core/database/identifier.ts';
import type { Step } from '../../../core/database/step.ts';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import { askVacuumsToGiveWay, describeBlocker, findBlockers } from './blockers.ts';
import { codeOf, failureOf, isLocked, isLost } from './failure.ts';
import { isDone, stepDone } from './journal.ts';
import type { RunContext } from './run-context.ts';

const { lockPauseMinMs, lockPauseMaxMs, reconnectsMax, reconnectPauseMs } = limits.database;

export async function runSteps(context: RunContext, phase: string, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    if (context.watch.signal?.aborted)
      throw new SegueError('BACKFILL_STOPPED', `${context.change} stopped before: ${step.title}.`);
    await runStep(context, phase, step);
  }
}

async function runStep(context: RunContext, phase: string, step: Step): Promise<void> {
  const { change, clock, connections, watch } = context;
  const { id, title } = step;
  const startedAtMs = clock.monotonicMs();
  const told = (state: 'begun' | 'done' | 'already') =>
    watch.onStep?.({ change, id: `${phase}.${id}`, title, state, tookMs: clock.monotonicMs() - startedAtMs });
  for (let lost = 0; ; lost += 1)
    try {
      if (await isDone(connections, change, phase, id)) {
        told('already');
        return;
      }
      told('begun');
      await withLocks(context, step, () => once(context, phase, step));
      told('done');
      return;
    } catch (error) {
      if (!isLost(error) || lost >= reconnectsMax) throw failureOf(error, `${change}, ${title}`);
      // Whether it was done is in the journal.
      await clock.sleep(reconnectPauseMs);
    }
}

async function once(context: RunContext, phase: string, { id, tables, run }: Step): Promise<void> {
  const { connections, lease, change, lockTimeoutMs } = context;
  const settings = { lockTimeoutMs: lockTimeoutMs / Math.max(1, tables.length) };
  if (run.type === 'create-index') await createIndex(context, run.index, run.statement);
  if (run.type === 'drop-index')
    await connections.query(`DROP INDEX CONCURRENTLY IF EXISTS ${quoteTable(run.index)}`);
  if (run.type === 'outside') await connections.query(run.statement);
  await connections.transaction(settings, async (session) => {
    await lease.check(session);
    for (const statement of run.type === 'transaction' ? run.statements : []) await session.query(statement);
    await stepDone(session, change, phase, id);
  });
}

/**
 * Waits for transactions that are older than itself, but takes no lock that a read or a write would queue
 * behind; so there is no limit, which would leave an invalid index behind each time.
 */
async function createIndex({ connections }: RunContext, index: TableName, statement: string): Promise<void> {
  const { rows } = await connections.query<{ valid: boolean }>(
    'SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = to_regclass($1)',
    [quoteTable(index)],
  );
  const [found] = rows;
  if (found?.valid) return;
  if (found) await connections.query(`DROP INDEX CONCURRENTLY IF EXISTS ${quoteTable(index)}`);
  try {
    await connections.query(statement);
  } catch (error) {
    // An invalid index is kept up to date by every write, and used by no query.
    if (!isLost(error))
      await connections
        .query(`DROP INDEX CONCURRENTLY IF EXISTS ${quoteTable(index)}`)
        .catch(() => undefined);
    throw error;
  }
}

/** Tries until it gets its locks; before, transactions that hold the tables are waited for. */
async function withLocks(context: RunContext, step: Step, work: () => Promise<void>): Promise<void> {
  await patiently(context, step, step.tables, work);
}

/** Reading the catalog takes a lock as well, the weakest, which only a DDL statement is in the way of. */
export async function readPatiently<T>(
  context: RunContext,
  tables: readonly TableName[],
  read: () => Promise<T>,
): Promise<T> {
  return patiently(context, { title: 'read the schema', tables: [] }, tables, read);
}

async function patiently<T>(
  context: RunContext,
  { tables, title }: Pick<Step, 'tables' | 'title'>,
  named: readonly TableName[],
  work: () => Promise<T>,
): Promise<T> {
  const { connections, clock, watch, change, lockTimeoutMs, lockWaitMs } = context;
  const untilMs = clock.monotonicMs() + lockWaitMs;
  for (let pauseMs: number = lockPauseMinMs; ; pauseMs = Math.min(lockPauseMaxMs, pauseMs * 2)) {
    const blockers = await findBlockers(connections, tables, lockTimeoutMs);
    if (blockers.length === 0)
      try {
        return await work();
      } catch (error) {
        if (!isLocked(error)) throw error;
        if (clock.monotonicMs() >= untilMs) {
          const found = await findBlockers(connections, named, 0);
          const why =
            found.length > 0 ? found.map(describeBlocker) : [`nobody any more (SQLSTATE ${codeOf(error)})`];
          throw lockedOut(change, title, why);
        }
      }
    else {
      watch.onWait?.(blockers);
      await askVacuumsToGiveWay(connections, blockers);
      if (clock.monotonicMs() >= untilMs) throw lockedOut(change, title, blockers.map(describeBlocker));
    }
    if (watch.signal?.aborted)
      throw new SegueError('BACKFILL_STOPPED', `${change} waited for a lock: ${title}.`);
    await clock.sleep(pauseMs * (0.5 + context.chance()));
  }
}

function lockedOut(change: string, title: string, why: readonly string[]): SegueError {
  return new SegueError('DATABASE_LOCKED', [`${change}, ${title}; not done. In the way:`, ...why].join('\n'));
}

/** Of the table, for the settings of a transaction: what the triggers say as well. */
export function searchPathOf(table: TableName): string {
  return [...new Set([table.schema, 'public'])].map(quoteName).join(', ');
}
