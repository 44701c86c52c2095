/** The database in `segue status`: where its changes are, and what the contracts wait for. */
import { formatDurationMs } from '../../core/units.ts';
import type { ContractStatus, DatabaseStatus } from '../../wire/api.ts';
import { progressLine } from './database-progress.ts';
import type { Paint } from './style.ts';
import { renderTable } from './table.ts';

const SHOWN = 3;

/** Those that are over are only counted. */
export function renderSchemaStatus(status: DatabaseStatus, nowMs: number, paint: Paint): string[] {
  const { changes, backfills, contracts, trouble } = status;
  const open = changes.filter(({ reach }) => reach !== 'finished');
  const rows = open.map(({ name, reach }) => {
    const backfill = backfills.find(({ change }) => change === name);
    const contract = contracts.find(({ change }) => change === name);
    const remark = backfill ? progressLine(backfill) : contract ? describeContract(contract, nowMs) : '';
    return [
      { text: name },
      { text: reach, style: reach === 'new' ? ('dim' as const) : ('yellow' as const) },
      { text: remark },
    ];
  });
  const over = changes.length - open.length;
  if (open.length === 0 && trouble === null) return [];
  return [
    '',
    `${paint('bold', 'database')}${over > 0 ? paint('dim', `  ${over} finished before`) : ''}`,
    ...(rows.length > 0 ? renderTable(['CHANGE', 'STATE', ''], rows, paint, '  ') : []),
    ...(trouble === null ? [] : [`  ${paint('red', 'trouble')}: ${trouble}`]),
  ];
}

function describeContract(contract: ContractStatus, nowMs: number): string {
  const { change, keptUntilMs, dueAtMs, by } = contract;
  const more = by.length > SHOWN ? ` and ${by.length - SHOWN} more` : '';
  if (by.length > 0) return `contract waits: ${by.slice(0, SHOWN).join('; ')}${more}`;
  const inTime = (atMs: number) => formatDurationMs(Math.max(0, atMs - nowMs));
  if (keptUntilMs !== null) return `what it replaced is kept for ${inTime(keptUntilMs)}`;
  if (dueAtMs !== null) return `contract in ${inTime(dueAtMs)}`;
  return `nothing needs the old schema: segue database contract ${change}`;
}
