/** What happened to the requests of users while a release ran. */
import type { Receipt } from '../../core/release/receipt.ts';
import type { ReleaseRecord } from '../../core/release/records.ts';
import { formatDurationMs } from '../../core/units.ts';
import { number, type Paint } from './style.ts';
import { type Cell, renderTable } from './table.ts';

/** The three numbers that always matter; of the others, those that are not zero. `left` is the version that lost the traffic. */
export function renderReceipt(receipt: Receipt, left: string | null, paint: Paint): string[] {
  if (receipt.requests + receipt.refused === 0) return [paint('dim', '  no requests meanwhile')];
  const { errors, perVersion, lastOldRequestAfterMs: lastMs } = receipt;
  const shares = perVersion.map((v) => `${v.version} ${number(v.requests)}`).join(', ');
  const rows = [
    row('requests', receipt.requests, shares ? `by version: ${shares}` : ''),
    row('answered', receipt.answered, errors > 0 ? `${number(errors)} of them with 5xx` : ''),
    bad('failed', receipt.failed, 'an instance broke off'),
  ];
  const rest = [
    bad('refused', receipt.refused, 'no instance came in time'),
    row('retried', receipt.retried, 'answered by another instance'),
    row('held', receipt.held, 'waited for an instance'),
    row('abandoned', receipt.abandoned, 'the client left first'),
  ].filter((cells) => cells[1]?.text !== '0');
  const last =
    lastMs === null || left === null
      ? []
      : [`  last request on ${left} ${formatDurationMs(lastMs)} after the decision`];
  return [...renderTable([], [...rows, ...rest], paint, '  '), ...last];
}

/** The version that lost the traffic. */
export function leftVersion({ state, from, to }: ReleaseRecord): string | null {
  return state.phase === 'ended' && state.outcome === 'done' ? from : to;
}

function row(name: string, value: number, meaning: string, style: Pick<Cell, 'style'> = {}): Cell[] {
  const note = value > 0 ? meaning : '';
  return [{ text: name }, { text: number(value), right: true, ...style }, { text: note, style: 'dim' }];
}

function bad(name: string, value: number, meaning: string): Cell[] {
  return row(name, value, meaning, value > 0 ? { style: 'red' } : {});
}
