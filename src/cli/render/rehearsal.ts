/** What a rehearsal found: a line per stage, what failed and waited, what would be lost, and the verdict. */
import type {
  Apart,
  BackfillSum,
  Lost,
  Rehearsal,
  Stage,
  StageSum,
  StatementSum,
  Wait,
} from '../../core/database/rehearsal/report.ts';
import { describeEnd } from '../../core/release/certificate.ts';
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
  contract: 'the rules of the new version come',
  kept: 'the new version alone, with what the contract replaced still there',
  restore: 'the contract is taken back',
  together: 'old and new version together again',
  finish: 'the contract once more, and what it replaced goes',
  after: 'the new version alone',
};

/** Where there is a way back from the contract, they are a part of their own. */
const FROM_CONTRACT: ReadonlySet<Stage> = new Set([
  'contract',
  'kept',
  'restore',
  'together',
  'finish',
  'after',
]);

const WAITS_SHOWN = 5;
/** Shorter ones are in the table, and in --json. */
const WAIT_SHOWN_MS = 10;
const STATEMENT_CHARS = 76;

export function renderRehearsal(rehearsal: Rehearsal, paint: Paint): string[] {
  const { changes, copy, stages, statements, backfills } = rehearsal;
  const failed = statements.flatMap((each) => failedLines(each, paint));
  return [
    `${paint('bold', changes.join(', '))}  on a copy of ${copy.database} (${copy.from}, ${number(copy.rows)} rows, ${copy.server})`,
    ...stageLines(
      stages.filter(({ stage }) => !FROM_CONTRACT.has(stage)),
      paint,
    ),
    ...backfills.map(backfillLine),
    ...apartLines(rehearsal.crossed.apart, paint),
    '',
    ...backLines(rehearsal, paint),
    ...stageLines(
      stages.filter(({ stage }) => FROM_CONTRACT.has(stage)),
      paint,
    ),
    ...restoredLines(rehearsal, paint),
    ...failed,
    ...verdictLines(rehearsal, paint),
  ];
}

function stageLines(stages: readonly StageSum[], paint: Paint): string[] {
  if (stages.length === 0) return [];
  const head = ['STAGE', 'TOOK', 'STATEMENTS', 'FAILED', 'LONGEST', 'WAITED', ''];
  return [
    '',
    ...renderTable(
      head,
      stages.map((each) => stageRow(each, whatOf(each.stage, stages))),
      paint,
    ),
    ...stages.flatMap((stage) => waitLines(stage, paint)),
  ];
}

/** Where nothing is kept, the contract is all there is. */
function whatOf(stage: Stage, stages: readonly StageSum[]): string {
  const isAll = stage === 'contract' && stages.some((each) => each.stage === 'after');
  return isAll && !stages.some((each) => each.stage === 'kept') ? 'the old schema goes' : STAGES[stage];
}

function stageRow({ stage, tookMs, statements, failed, longestMs, waits }: StageSum, what: string) {
  const waitedMs = waits.reduce((most, wait) => Math.max(most, wait.byChange ? wait.longestMs : 0), 0);
  return [
    { text: stage },
    { text: formatDurationMs(tookMs), right: true },
    { text: number(statements), right: true },
    { text: number(failed), right: true, ...(failed > 0 ? { style: 'red' as const } : {}) },
    { text: formatDurationMs(longestMs), right: true },
    { text: waitedMs > 0 ? formatDurationMs(waitedMs) : '-', right: true },
    { text: what, style: 'dim' as const },
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

function apartLines(apart: readonly Apart[], paint: Paint): string[] {
  return apart.flatMap(({ writer, table, columns, wrote, read, expected, times }) => [
    `${paint('red', 'read apart')}, ${count(times, 'time')}: the ${writer} version wrote ${table}.${columns.join(', ')} = ${wrote}`,
    `  the other one read ${read}, and should have read ${expected}`,
  ]);
}

function backLines({ back, crossed }: Rehearsal, paint: Paint): string[] {
  const checked =
    crossed.checked === 0
      ? []
      : [`written by one version and read by the other: ${count(crossed.checked, 'value')}`];
  const said = {
    gone: `would be lost on the way back: ${whatIsLost(back.lost)}`,
    none: 'would be lost on the way back: there is none',
    'not-reached': 'the way back was not reached',
  }[back.state];
  return [
    ...checked,
    paint(back.state === 'gone' && back.lost.length === 0 ? 'green' : 'yellow', said),
    ...(back.refused === null ? [] : [`segue database revert would ask for --drop-data: ${back.refused}`]),
  ];
}

function whatIsLost(lost: readonly Lost[]): string {
  if (lost.length === 0) return 'nothing';
  const each = ({ table, column, count: many }: Lost) =>
    column === null ? `${count(many, 'row')} of ${table}` : `${count(many, 'value')} of ${table}.${column}`;
  return lost.map(each).join(', ');
}

/** Nothing where the contract was not begun. */
function restoredLines({ restored, stages }: Rehearsal, paint: Paint): string[] {
  if (!restored || !stages.some(({ stage }) => stage === 'contract')) return [];
  const { state, contracts, crossed, lost } = restored;
  const ends = describeEnd({ to: 'the old version', ways: [], problems: [], contracts });
  const checked =
    crossed.checked === 0
      ? []
      : [`written after the contract, and read once it was taken back: ${count(crossed.checked, 'value')}`];
  const said = {
    gone: [
      paint(lost.length === 0 ? 'green' : 'yellow', `would be lost by taking it back: ${whatIsLost(lost)}`),
    ],
    none: [],
    'not-reached': [paint('yellow', 'the way back from the contract was not reached')],
  }[state];
  return [...apartLines(crossed.apart, paint), '', ...ends, ...checked, ...said];
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
