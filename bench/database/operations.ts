/** Every declared operation under load, as a table. */
import { limits } from '../../src/core/limits.ts';
import { changeOf } from '../../test/support/database.ts';
import { OPERATION_CASES, type OperationCase } from '../../test/support/database-cases.ts';
import type { Postgres } from '../../test/support/postgres.ts';
import { quantileOf } from '../support/spread.ts';
import { OperationRun, type PhaseName } from './operation-run.ts';

const PER_SECOND_MIN = 200;
const WAIT_MS_MAX = limits.database.lockTimeoutMs + 100;

const HEAD = [
  'operations',
  'expand',
  'backfill',
  'rows/s',
  'revert',
  'again',
  'contract',
  'statements',
  'least/s',
  'p99 alone',
  'p99',
  'longest',
  'failed',
  'rows apart',
];

/** What was missed; `only`: operations whose name has these words. */
export async function everyOperation(
  server: Postgres,
  { rows, only }: { rows: number; only: string },
): Promise<string[]> {
  console.log(`\n${lineOf(HEAD)}\n${lineOf(HEAD.map((_, index) => (index === 0 ? '---' : '--:')))}`);
  const missed: string[] = [];
  for (const each of OPERATION_CASES) {
    const name = namesOf(each);
    if (!`${each.name} ${name}`.includes(only)) continue;
    const run = await OperationRun.start(server, each, rows);
    try {
      await run.run();
    } catch (error) {
      run.wrong.push(error instanceof Error ? error.message : String(error));
    } finally {
      await run.end();
    }
    const row = rowOf(run);
    console.log(lineOf([name, ...row.cells]));
    missed.push(...row.missed.map((what) => `${each.name}: ${what}`));
  }
  return missed;
}

const lineOf = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

function namesOf({ change }: OperationCase): string {
  const { body } = changeOf(change);
  const types = body.form === 'operations' ? body.operations.map(({ type }) => `\`${type}\``) : [];
  return [...new Set(types)].join(', ');
}

function rowOf(run: OperationRun): { cells: readonly string[]; missed: readonly string[] } {
  const alone = run.seen.filter(({ phase }) => phase === 'alone');
  const met = run.seen.filter(({ phase }) => phase !== 'alone');
  const latenciesMs = met.flatMap((each) => [...each.latenciesMs]);
  const longestMs = quantileOf(latenciesMs, 1);
  const longestIn = met.find((each) => each.latenciesMs.includes(longestMs))?.phase ?? '';
  const perSecond = Math.min(...met.map((each) => each.perSecond));
  const failures = run.seen.flatMap((each) => [...each.failures]);
  const tookMs = (name: PhaseName) => run.seen.find(({ phase }) => phase === name)?.tookMs;
  const took = (name: PhaseName) => {
    const ms = tookMs(name);
    return ms === undefined ? '' : `${(ms / 1_000).toFixed(1)} s`;
  };
  return {
    cells: [
      took('expand'),
      took('backfill'),
      run.backfilled === 0 ? '' : ((run.backfilled * 1_000) / (tookMs('backfill') ?? Infinity)).toFixed(0),
      ...[took('revert'), took('again'), took('contract')],
      String(latenciesMs.length),
      perSecond.toFixed(0),
      `${quantileOf(
        alone.flatMap((each) => [...each.latenciesMs]),
        0.99,
      ).toFixed(0)} ms`,
      `${quantileOf(latenciesMs, 0.99).toFixed(0)} ms`,
      `${longestMs.toFixed(0)} ms (${longestIn})`,
      String(failures.length),
      String(run.rowsApart),
    ],
    missed: [
      ...run.wrong,
      ...failures.slice(0, 3),
      ...(run.rowsApart > 0 ? [`${run.rowsApart} rows apart`] : []),
      ...(longestMs > WAIT_MS_MAX ? [`a wait of ${longestMs.toFixed(0)} ms in ${longestIn}`] : []),
      ...(perSecond < PER_SECOND_MIN ? [`${perSecond.toFixed(0)} statements a second`] : []),
    ],
  };
}
