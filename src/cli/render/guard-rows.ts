/** What guards beside the requests say, as rows of the judge's table: what can decide first, what is quiet last. */
import { type GuardFinding, NOT_MEASURED } from '../../core/judge/verdict.ts';
import { MARKS, STYLES } from './marks.ts';
import type { Cell } from './table.ts';

const ROLES: readonly GuardFinding['role'][] = ['gate', 'voucher', 'alarm', 'watch'];

export function guardRows(guards: readonly GuardFinding[]): Cell[][] {
  const [quiet, measured] = [true, false].map((isQuiet) =>
    guards.filter(({ proof }) => (proof === NOT_MEASURED) === isQuiet),
  );
  const rows = (measured ?? []).toSorted((a, b) => ROLES.indexOf(a.role) - ROLES.indexOf(b.role)).map(rowOf);
  if (!quiet || quiet.length === 0) return rows;
  const names = quiet.map(({ guard }) => guard).join(', ');
  return [
    ...rows,
    [
      mark('not-enough-evidence'),
      { text: names, style: 'dim' },
      { text: NOT_MEASURED, style: 'dim' },
      { text: '' },
    ],
  ];
}

function rowOf({ verdict, guard, proof, role }: GuardFinding): Cell[] {
  return [
    mark(verdict),
    { text: guard },
    { text: proof },
    { text: role === 'watch' ? 'watched only' : '', style: 'dim' },
  ];
}

const mark = (verdict: GuardFinding['verdict']): Cell => ({ text: MARKS[verdict], style: STYLES[verdict] });
