/** Where the changes of a database are, and what a change would do. */
import { type ChangeState, type PlannedStep, showHolder, type Status } from '../../core/database/runner.ts';
import { formatDurationMs } from '../../core/units.ts';
import { progressLine } from './database-progress.ts';
import { number, type Paint, type Style } from './style.ts';
import { renderTable } from './table.ts';

const STYLES: Partial<Readonly<Record<ChangeState['phase'], Style>>> = {
  finished: 'green',
  adopted: 'dim',
  new: 'dim',
  reverted: 'dim',
};

export function renderDatabaseStatus(status: Status, nowMs: number, paint: Paint): string[] {
  const { server, adopted, changes, drift, holder } = status;
  const rows = changes.map((change) => [
    { text: change.name },
    { text: change.phase, style: STYLES[change.phase] ?? ('yellow' as const) },
    { text: remark(change, nowMs, holder !== null) },
  ]);
  return [
    `PostgreSQL ${server}`,
    ...(changes.length === 0 ? ['no changes'] : renderTable(['CHANGE', 'PHASE', ''], rows, paint)),
    ...(adopted ? [] : [`${paint('cyan', 'next')}: segue database adopt`]),
    ...(holder === null ? [] : [`at work: ${showHolder(holder)}`]),
    ...(drift.length === 0
      ? []
      : [
          `${paint('yellow', 'drift')}: since the last run, the schema was changed by others`,
          ...drift.map((line) => `  ${line}`),
        ]),
  ];
}

function remark(state: ChangeState, nowMs: number, isAtWork: boolean): string {
  const { phase, edited, missing, keptUntilMs, backfill, pendingRows, comesBack } = state;
  const ended = ENDED_BY[phase];
  const parts = [
    ...(ended === undefined ? [] : [ended]),
    ...(edited ? ['edited after it ran'] : []),
    ...(missing && phase !== 'adopted' ? ['its folder is gone'] : []),
    ...(backfill ? [progressLine(backfill, isAtWork || backfill.state !== 'running' ? null : STOPPED)] : []),
    ...(pendingRows > 0 ? [`${number(pendingRows)} rows are held by others and not in step yet`] : []),
    ...(keptUntilMs === null
      ? []
      : keptUntilMs > nowMs
        ? [
            `what it replaced is kept in step for ${formatDurationMs(keptUntilMs - nowMs)} more${comesBack ? ': old code can run again after segue database revert --contract' : ''}`,
          ]
        : ['what it replaced can be dropped: segue database contract']),
  ];
  return parts.join('; ');
}

/** Of a backfill that nobody is at. */
const STOPPED = 'stopped: segue database backfill goes on with it';

/** What was stopped in the middle waits for whoever began it. */
const ENDED_BY: Partial<Readonly<Record<ChangeState['phase'], string>>> = {
  expanding: 'half made: segue database expand, or revert',
  contracting: 'its contract is half made: segue database contract',
  restoring: 'its contract is half taken back: segue database revert --contract',
  reverting: 'half taken back: segue database revert',
};

const PHASES: Readonly<Record<PlannedStep['phase'], string>> = {
  expand: 'expand: before the new version starts',
  backfill: 'backfill: before the new version gets traffic',
  contract: 'contract: when no old version is left',
  restore: 'the way back from the contract, until the next phase: segue database revert --contract',
  finish: 'finish: when the time to keep what it replaced is over; no way back from here',
  revert: 'the way back, until then',
};
/** Where nothing ends it. */
const ALWAYS_BACK = 'the way back';

interface Planned {
  readonly name: string;
  readonly edited: boolean;
  readonly steps: readonly PlannedStep[];
}

export function renderDatabasePlan({ name, edited, steps }: Planned, paint: Paint): string[] {
  const phases = [...new Set(steps.map(({ phase }) => phase))];
  const ends = phases.includes('contract') || phases.includes('finish');
  return [
    name,
    ...(edited ? [paint('yellow', 'edited after it ran: this is what it said then')] : []),
    ...(phases.length === 0 ? ['nothing is done: it says nothing'] : []),
    ...phases.flatMap((phase) => [
      paint('cyan', phase === 'revert' && !ends ? ALWAYS_BACK : PHASES[phase]),
      ...steps
        .filter((step) => step.phase === phase)
        .flatMap(({ title, statements }) => [
          `  ${title}`,
          ...statements.flatMap((statement) =>
            statement.split('\n').map((line) => paint('dim', `    ${line}`)),
          ),
        ]),
    ]),
  ];
}
