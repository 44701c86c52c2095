/** What a rehearsal found: a line per stage, what failed and waited, what would be lost, and the verdict. */
import type {
  BackfillSum,
  Rehearsal,
  Stage,
  StageSum,
  StatementSum,
  Wait,
} from '../../core/database/rehearsal/report.ts';
import { count, formatDurationMs } from '../../core/units.ts';
import type { RecordedStatement } from '../../ports/database-rehearsal.ts';
import { number, type Paint } from './style.ts';
import { renderTable } from './table.ts';

export const STAGES: Readonly<Record<Stage, string>> = {
  before: 'the old version alone',
  expand: 'what the new code needs is made',
  backfill: 'the rows that were there are brought up to date',
  both: 'old and new version together',
  revert: 'the way back',
  again: 'forward once more',
  contract: 'the old schema goes',
  after: 'the new version alone',
};

const WAITS_SHOWN = 5;
/** Shorter ones are in the table, and in --json. */
const WAIT_SHOWN_MS = 10;
const STATEMENT_CHARS = 76;

export function renderRehearsal(rehearsal: Rehearsal, paint: Paint): string[] {
  const { changes, copy, stages, statements, backfills } = rehearsal;
  return [
    `${paint('bold', changes.join(', '))}  on a copy of ${copy.database} (${copy.from}, ${number(copy.rows)} rows, ${copy.server})`,
    '',
    ...renderTable(
      ['STAGE', 'TOOK', 'STATEMENTS', 'FAILED', 'LONGEST', 'WAITED', ''],
      stages.map(stageRow),
      paint,
    ),
    ...backfills.map(backfillLine),
    ...statements.flatMap((each) => failedLines(each, paint)),
    ...stages.flatMap((stage) => waitLines(stage, paint)),
    ...crossedLines(rehearsal, paint),
    '',
    ...backLines(rehearsal, paint),
    ...verdictLines(rehearsal, paint),
  ];
}

function stageRow({ stage, tookMs, statements, failed, longestMs, waits }: StageSum) {
  const waitedMs = waits.reduce((most, wait) => Math.max(most, wait.byChange ? wait.longestMs : 0), 0);
  return [
    { text: stage },
    { text: formatDurationMs(tookMs), right: true },
    { text: number(statements), right: true },
    { text: number(failed), right: true, ...(failed > 0 ? { style: 'red' as const } : {}) },
    { text: formatDurationMs(longestMs), right: true },
    { text: waitedMs > 0 ? formatDurationMs(waitedMs) : '-', right: true },
    { text: STAGES[stage], style: 'dim' as const },
  ];
}

function backfillLine({ table, rows, rowsPerSecond, realRows, realMs }: BackfillSum): string {
  const here = `backfill of ${table || 'SQL'}: ${number(Math.round(rows))} rows, ${number(Math.round(rowsPerSecond))}/s`;
  if (realRows === null || realMs === null) return here;
  return `${here}; about ${formatDurationMs(realMs)} for the ${number(Math.round(realRows))} rows of the real one`;
}

function failedLines({ side, sql, failures, failed, runs, unfit }: StatementSum, paint: Paint): string[] {
  if (unfit !== null) return [`${paint('yellow', 'left out')} (${side}): ${shortened(sql)}`, `  ${unfit}`];
  if (failed === 0) return [];
  return [
    `${paint('red', 'failed')} (${side}, ${failed} of ${runs}): ${shortened(sql)}`,
    ...failures.map(
      ({ stage, code, message, times }) => `  in ${stage}, ${times} times: ${message} (${code})`,
    ),
  ];
}

function waitLines({ stage, waits, stoodBehind }: StageSum, paint: Paint): string[] {
  const byChange = waits.filter((wait) => wait.byChange && wait.longestMs >= WAIT_SHOWN_MS);
  const line = ({ statement, mode, on, behind, times, longestMs }: Wait) => [
    `${paint('yellow', 'waited')} in ${stage}, ${count(times, 'time')}, up to ${formatDurationMs(longestMs)}: ${shortened(statement)}`,
    `  for ${mode} on ${on}, behind: ${shortened(behind)}`,
  ];
  const more = byChange.length - WAITS_SHOWN;
  return [
    ...byChange.slice(0, WAITS_SHOWN).flatMap(line),
    ...(more > 0 ? [`  and ${count(more, 'statement')} more; --json has them all`] : []),
    ...stoodBehind.map((who) => `in ${stage} the change itself stood behind ${who}`),
  ];
}

function crossedLines({ crossed }: Rehearsal, paint: Paint): string[] {
  return crossed.apart.flatMap(({ writer, table, columns, wrote, read, expected, times }) => [
    `${paint('red', 'read apart')}, ${count(times, 'time')}: the ${writer} version wrote ${table}.${columns.join(', ')} = ${wrote}`,
    `  the other one read ${read}, and should have read ${expected}`,
  ]);
}

function backLines({ back, crossed }: Rehearsal, paint: Paint): string[] {
  const checked =
    crossed.checked === 0
      ? []
      : [`written by one version and read by the other: ${count(crossed.checked, 'value')}`];
  const lost = back.lost.map(({ table, column, count: many }) =>
    column === null ? `${count(many, 'row')} of ${table}` : `${count(many, 'value')} of ${table}.${column}`,
  );
  const said = {
    gone: `would be lost on the way back: ${lost.length === 0 ? 'nothing' : lost.join(', ')}`,
    none: 'would be lost on the way back: there is none',
    'not-reached': 'the way back was not reached',
  }[back.state];
  return [
    ...checked,
    paint(back.state === 'gone' && lost.length === 0 ? 'green' : 'yellow', said),
    ...(back.refused === null ? [] : [`segue database revert would ask for --drop-data: ${back.refused}`]),
  ];
}

function verdictLines({ verdict, notes }: Rehearsal, paint: Paint): string[] {
  const said = verdict.fit
    ? [`${paint('green', 'fit')}: nothing failed, nothing is lost, nobody waited too long`]
    : [
        verdict.exitCode === 4 ? paint('yellow', 'to be decided:') : paint('red', 'not fit:'),
        ...verdict.reasons.map(({ text }) => `  ${text}`),
      ];
  return [...notes.map((note) => paint('dim', `note: ${note}`)), ...said];
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > STATEMENT_CHARS ? `${line.slice(0, STATEMENT_CHARS - 3)}...` : line;
}

/** For `--old-queries` and `--new-queries`. */
export function renderRecorded(statements: readonly RecordedStatement[]): string {
  return statements
    .map(({ sql, calls }) => `-- ${count(calls, 'call')}\n${sql.trim().replace(/;$/, '')};\n`)
    .join('\n');
}
