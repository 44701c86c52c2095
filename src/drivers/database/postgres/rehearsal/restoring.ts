/**
 * The way back from a contract, for as long as what it replaced is kept: what the new version wrote since has to be
 * there afterwards, and the old version has to read it.
 */
import type { Change } from '../../../../core/database/change.ts';
import type { Probe } from '../../../../core/database/rehearsal/probes.ts';
import type { Crossed, Restored } from '../../../../core/database/rehearsal/report.ts';
import type { CopyTable } from '../../../../core/database/rehearsal/table.ts';
import type { ChangeRunner } from '../../../../core/database/runner.ts';
import type { RehearsalRequest } from '../../../../ports/database-rehearsal.ts';
import { crossCheck, type CrossParts, readBack, summed, writeAhead, type Written } from './cross-check.ts';
import type { Load } from './load.ts';
import type { Sessions, StageBook } from './stage.ts';
import { readTables } from './tables.ts';
import { KeptTables } from './way-back.ts';

export interface RestoringParts {
  readonly runner: ChangeRunner;
  readonly request: RehearsalRequest;
  readonly sessions: Sessions;
  readonly book: StageBook;
  readonly probes: readonly Probe[];
  readonly cross: CrossParts;
  readonly old: Load;
  readonly new: Load;
  readonly touched: () => Promise<readonly CopyTable[]>;
}

type Taken = Omit<Restored, 'contracts'>;

export const NOT_TAKEN: Taken = {
  ...{ state: 'not-reached', crossed: { checked: 0, apart: [] } },
  ...{ rows: 0, values: 0, lost: [] },
};

/** Leaves `closed` as they were before their contracts. */
export async function takeBack(closed: readonly Change[], parts: RestoringParts): Promise<Taken> {
  const { runner, request, sessions, book } = parts;
  const written = await writeAfterContract(closed, parts);
  if (written === null) return NOT_TAKEN;
  // What is pending would be brought in step by the way back, and look like a value that was lost.
  await runner.status(request.changes);
  const kept = await KeptTables.of(sessions.looker, await parts.touched());
  // As on the way back from the expand: the rows stay as they are.
  parts.new.start({ rollBack: true });
  const isBack = await book.during('restore', async () => {
    for (const { name } of closed.toReversed()) await runner.restore(request.changes, name, book.watchRun());
    await book.stay(request.load.stayMs / 2, parts.new);
  });
  await parts.new.stop();
  if (!isBack) return NOT_TAKEN;
  const now = await readTables(sessions.looker);
  await kept.lookAfterBack(now);
  await kept.lookAfterAgain(now);
  const read = await readBack(written, parts.cross);
  return { state: 'gone', crossed: summed(read, await together(parts)), ...kept.lost };
}

/** Null: the contract was refused. */
async function writeAfterContract(
  closed: readonly Change[],
  { runner, request, book, probes, cross, new: load }: RestoringParts,
): Promise<readonly Written[] | null> {
  let written: readonly Written[] = [];
  load.start({ rollBack: false });
  const isClosed = await book.during('contract', async () => {
    for (const { name } of closed)
      await runner.contract(request.changes, name, { now: false }, book.watchRun());
  });
  const isWritten = await book.during('kept', async () => {
    const ofNew = probes.filter(({ writer }) => writer === 'new');
    const ahead = writeAhead(ofNew, cross);
    await Promise.all([book.stay(request.load.stayMs, load), ahead]);
    written = await ahead;
  });
  await load.stop();
  return isClosed && isWritten ? written : null;
}

async function together(parts: RestoringParts): Promise<Crossed> {
  const { request, book, probes, cross } = parts;
  const loads = [parts.old, parts.new];
  for (const load of loads) load.start({ rollBack: false });
  const staying = book.during('together', async () => {
    await Promise.all(loads.map((load) => book.stay(request.load.stayMs, load)));
  });
  const [crossed] = await Promise.all([crossCheck(probes, cross), staying]);
  for (const load of loads) await load.stop();
  return crossed;
}
