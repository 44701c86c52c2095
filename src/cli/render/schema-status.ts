/** The database in `segue status`: where its changes are, and what the contracts wait for. */
import {
  type ContractStanding,
  describeContract,
  describeHalfway,
  describeNeed,
} from '../../core/release/contract-standing.ts';
import type { ContractStatus, DatabaseStatus } from '../../wire/database-api.ts';
import { progressLine } from './database-progress.ts';
import type { Paint } from './style.ts';
import { renderTable } from './table.ts';

const SHOWN = 3;

const UNDER_WAY = { contract: 'contracting', restore: 'restoring' } as const;

/** Those that are over are only counted. */
export function renderSchemaStatus(status: DatabaseStatus, nowMs: number, paint: Paint): string[] {
  const { changes, backfills, contracts, trouble } = status;
  const open = changes.filter(({ reach }) => reach !== 'finished');
  const rows = open.map(({ name, reach, halfway = null }) => {
    const backfill = backfills.find(({ change }) => change === name);
    const contract = contracts.find(({ change }) => change === name);
    const waits = contract ? remarkOf(contract, nowMs) : '';
    const remark = backfill ? progressLine(backfill) : halfway === 'restore' ? describeHalfway(name) : waits;
    return [
      { text: name },
      {
        text: halfway === null ? reach : UNDER_WAY[halfway],
        style: reach === 'new' ? ('dim' as const) : ('yellow' as const),
      },
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

function remarkOf(contract: ContractStatus, nowMs: number): string {
  const { by, againSinceMs = null } = contract;
  // An older control says less.
  const { neededBy = by.map((what) => ({ seenIn: 'journal' as const, what, sinceMs: null })) } = contract;
  const standing: ContractStanding = { ...contract, againSinceMs, neededBy };
  const more = neededBy.length > SHOWN ? ` and ${neededBy.length - SHOWN} more` : '';
  const shown = neededBy.slice(0, SHOWN).map((need) => describeNeed(need, nowMs));
  return `${describeContract(standing, nowMs)}${shown.length > 0 ? `: ${shown.join('; ')}${more}` : ''}`;
}
