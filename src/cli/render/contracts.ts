/** The contracts that come after a release: what each waits for, where that was seen, and since when. */
import { describeNeed, describeReach } from '../../core/release/contract-standing.ts';
import { formatDurationMs } from '../../core/units.ts';
import type { ContractView } from '../../wire/database-api.ts';
import type { Paint } from './style.ts';
import { renderTable } from './table.ts';

export function renderContracts(views: readonly ContractView[], nowMs: number, paint: Paint): string[] {
  const width = Math.max(...views.map(({ change }) => change.length));
  return views.flatMap((view) => {
    const { change, standing } = view;
    const needs = standing?.neededBy ?? [];
    const rows = needs.map((need) => [
      { text: need.seenIn, style: 'dim' as const },
      { text: describeNeed(need, nowMs) },
    ]);
    const again = standing?.againSinceMs ?? null;
    const anew =
      again === null
        ? []
        : [`    needed again for ${formatDurationMs(Math.max(0, nowMs - again))}: its time begins anew`];
    const state = paint(needs.length > 0 ? 'yellow' : 'dim', describeReach(view, nowMs));
    return [`  ${change.padEnd(width)}  ${state}`, ...renderTable([], rows, paint, '    '), ...anew];
  });
}
