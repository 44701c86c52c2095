/** Where each change is, and where the database is not what the journal left behind. */
import type { Change } from '../../../core/database/change.ts';
import { comesBack } from '../../../core/database/kept.ts';
import { compile } from '../../../core/database/compile.ts';
import type { ChangeState, Progress, Status } from '../../../core/database/runner.ts';
import type { Connections, Session, Settings } from './connection.ts';
import { readSchemaLines } from './facts.ts';
import { settleOnce } from './settle.ts';
import { hasJournal, type Kept, keptChanges, type KeptJob, keptJobs, keptSchemaLines } from './journal.ts';

export async function readStatus(
  connections: Connections,
  catalog: Settings,
  changes: readonly Change[],
  drift: boolean,
): Promise<Status> {
  const pending = await pendingRows(connections);
  return connections.transaction(catalog, async (session) => {
    const server = (await session.query<{ server: string }>('SHOW server_version')).rows[0];
    const said = Object.values(server ?? {})[0] ?? '';
    if (!(await hasJournal(session)))
      return { server: said, adopted: false, changes: changes.map(fresh), drift: [], holder: null };
    const kept = await keptChanges(session);
    const states: ChangeState[] = [];
    for (const each of kept)
      states.push({
        ...stateOf(each, changes, await keptJobs(session, each.name)),
        pendingRows: pending.get(each.name) ?? 0,
      });
    const unknown = changes.filter(({ name }) => !kept.some((each) => each.name === name)).map(fresh);
    return {
      server: said,
      adopted: true,
      changes: [...states, ...unknown].sort((a, b) => (a.name < b.name ? -1 : 1)),
      drift: drift ? await driftOf(session) : [],
      holder: await holderOf(session),
    };
  });
}

const fresh = (change: Change): ChangeState => ({
  ...{ name: change.name, phase: 'new', edited: false, missing: false, keptUntilMs: null, backfill: null },
  ...{ pendingRows: 0, comesBack: comesBack(change) },
});

const IN_STEP: ReadonlySet<Kept['phase']> = new Set([
  'expanding',
  'expanded',
  'ready',
  'contracting',
  'contracted',
  'restoring',
]);

/** Who asks where the changes are brings in step what can be: nobody else may come for a while. */
async function pendingRows(connections: Connections): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  if (!(await hasJournal(connections))) return found;
  for (const { name, phase, change, facts } of await keptChanges(connections))
    if (IN_STEP.has(phase)) {
      const { pending } = compile(change, facts);
      // A role that may only look has no part in it.
      if (pending.length > 0) found.set(name, await settleOnce(connections, pending).catch(() => 0));
    }
  return found;
}

function stateOf(
  kept: Kept,
  changes: readonly Change[],
  jobs: readonly KeptJob[],
): Omit<ChangeState, 'pendingRows'> {
  const { name, phase, contractedAtMs, dropping } = kept;
  const file = changes.find((change) => change.name === name);
  return {
    ...{ name, phase },
    edited: file !== undefined && file.digest !== kept.digest && phase !== 'reverted',
    missing: file === undefined,
    keptUntilMs:
      phase === 'contracted' && contractedAtMs !== null ? contractedAtMs + kept.change.keepMs : null,
    backfill: phase === 'expanded' ? progressOf(kept, jobs) : null,
    comesBack: comesBack(kept.change) && !dropping,
  };
}

function progressOf(kept: Kept, jobs: readonly KeptJob[]): Progress | null {
  const job = jobs.find(({ done }) => !done) ?? jobs.at(-1);
  if (!job) return null;
  const known = compile(kept.change, kept.facts).jobs.find(({ id }) => id === job.job);
  const total = Math.max(job.rows, known && known.type !== 'repeat' ? known.rows : 0);
  const rowsPerSecond = job.elapsedMs > 0 ? (job.rows / job.elapsedMs) * 1_000 : 0;
  return {
    ...{ change: kept.name, job: job.job, rows: job.rows, total, rowsPerSecond, pauseMs: 0 },
    table: known && known.type !== 'repeat' ? known.table.name : '',
    leftMs: rowsPerSecond > 0 ? ((total - job.rows) / rowsPerSecond) * 1_000 : null,
    state: job.done ? 'done' : job.wanted === 'pause' ? 'paused' : 'running',
  };
}

/** Between two runs nothing of the schema should change but by Segue. */
async function driftOf(session: Session): Promise<readonly string[]> {
  const before = new Set(await keptSchemaLines(session));
  const now = await readSchemaLines(session);
  const here = new Set(now);
  return [
    ...[...before].filter((line) => !here.has(line)).map((line) => `- ${line}`),
    ...now.filter((line) => !before.has(line)).map((line) => `+ ${line}`),
  ];
}

async function holderOf(session: Session): Promise<string | null> {
  const { rows } = await session.query<{ holder: string }>(
    'SELECT holder FROM segue.lease WHERE until > clock_timestamp()',
  );
  return rows[0]?.holder ?? null;
}
