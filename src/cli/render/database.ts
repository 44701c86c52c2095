/** Where the changes of a database are, and what a change would do. */
import type { ChangeState, PlannedStep, Status } from '../../core/database/runner.ts';
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
    { text: remark(change, nowMs) },
  ]);
  return [
    `PostgreSQL ${server}`,
    ...(changes.length === 0 ? ['no changes'] : renderTable(['CHANGE', 'PHASE', ''], rows, paint)),
    ...(adopted ? [] : [`${paint('cyan', 'next')}: segue database adopt`]),
    ...(holder === null ? [] : [`at work: ${holder}`]),
    ...(drift.length === 0
      ? []
      : [
          `${paint('yellow', 'drift')}: since the last run, the schema was changed by others`,
          ...drift.map((line) => `  ${line}`),
        ]),
  ];
}

function remark(state: ChangeState, nowMs: number): string {
  const { phase, edited, missing, keptUntilMs, backfill, pendingRows, comesBack } = state;
  const ended = ENDED_BY[phase];
  const parts = [
    ...(ended === undefined ? [] : [ended]),
    ...(edited ? ['edited after it ran'] : []),
    ...(missing && phase !== 'adopted' ? ['its folder is gone'] : []),
    ...(backfill ? [progressLine(backfill)] : []),
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

/** What was stopped in the middle waits for whoever began it. */
const ENDED_BY: Partial<Readonly<Record<ChangeState['phase'], string>>> = {
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

export function renderDatabasePlan(name: string, steps: readonly PlannedStep[], paint: Paint): string[] {
  const phases = [...new Set(steps.map(({ phase }) => phase))];
  return [
    name,
    ...phases.flatMap((phase) => [
      paint('cyan', PHASES[phase]),
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
