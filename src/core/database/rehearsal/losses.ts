/**
 * What the way back costs, counted row by row: the tables are kept as they were, the change goes back and forward
 * again, and whatever is not the same then was in no other place. SQL only; who runs it does nothing else meanwhile.
 */
import { quoteName, quoteTable, showTable, type TableName } from '../identifier.ts';
import { alike } from '../triggers.ts';
import type { Lost } from './report.ts';

/** Of what a rehearsal makes for itself in the copy. */
export const KEPT_SCHEMA = 'segue_rehearsal';

export interface Kept {
  readonly table: TableName;
  readonly as: TableName;
  readonly columns: readonly string[];
  readonly key: readonly string[] | null;
}

export interface NowThere {
  readonly table: TableName;
  readonly columns: readonly { readonly name: string }[];
}

export const keepSql = ({ table, as, columns }: Kept): string =>
  `CREATE UNLOGGED TABLE ${quoteTable(as)} AS SELECT ${columns.map(quoteName).join(', ')} FROM ${quoteTable(table)}`;

export interface Question {
  readonly sql: string;
  /** What each column of its one row counts. */
  readonly counts: readonly Omit<Lost, 'count'>[];
}

/**
 * `only` says which columns are asked for: right after the way back those that stayed, at the end those that went
 * and came again. A table that is gone is asked for at the end, when it should be there again.
 */
export function lostSql(
  kept: Kept,
  now: NowThere | undefined,
  only: (column: string) => boolean,
): Question | null {
  const table = showTable(kept.table);
  if (!now)
    return {
      sql: `SELECT count(*)::int AS rows FROM ${quoteTable(kept.as)}`,
      counts: [{ table, column: null }],
    };
  const there = new Set(now.columns.map(({ name }) => name));
  const asked = kept.columns.filter((column) => only(column));
  const key = kept.key?.every((column) => there.has(column)) === true ? kept.key : null;
  if (key === null)
    return withoutKey(
      kept,
      asked.filter((column) => there.has(column)),
    );
  const on = key
    .map((column) => `segue_now.${quoteName(column)} = segue_kept.${quoteName(column)}`)
    .join(' AND ');
  const [first = ''] = key;
  const found = `segue_now.${quoteName(first)} IS NOT NULL`;
  const values = asked.map((column) =>
    there.has(column)
      ? `${found} AND NOT ${alike(`segue_kept.${quoteName(column)}`, `segue_now.${quoteName(column)}`)}`
      : `${found} AND segue_kept.${quoteName(column)} IS NOT NULL`,
  );
  const counts = [`NOT (${found})`, ...values].map(
    (test, index) => `count(*) FILTER (WHERE ${test})::int AS c${index}`,
  );
  return {
    sql: `SELECT ${counts.join(', ')} FROM ${quoteTable(kept.as)} AS segue_kept LEFT JOIN ${quoteTable(kept.table)} AS segue_now ON ${on}`,
    counts: [{ table, column: null }, ...asked.map((column) => ({ table, column }))],
  };
}

/** Rows that cannot be told apart are the same ones while there are as many of them. */
function withoutKey({ table, as }: Kept, columns: readonly string[]): Question | null {
  if (columns.length === 0) return null;
  const row = `ROW(${columns.map(quoteName).join(', ')})::text`;
  return {
    sql: `SELECT count(*)::int AS rows FROM (SELECT ${row} FROM ${quoteTable(as)} EXCEPT ALL SELECT ${row} FROM ${quoteTable(table)}) AS segue_lost`,
    counts: [{ table: showTable(table), column: null }],
  };
}

/** A row that is gone is counted once, not once more for each of its values. */
export function lostOf({ counts }: Question, row: Readonly<Record<string, number>>): Lost[] {
  return Object.values(row).flatMap((count, index) => {
    const what = counts[index];
    return what && count > 0 ? [{ ...what, count }] : [];
  });
}

export function sumOfLost(lost: readonly Lost[]): { readonly rows: number; readonly values: number } {
  const sum = (some: readonly Lost[]) => some.reduce((all, { count }) => all + count, 0);
  return {
    rows: sum(lost.filter(({ column }) => column === null)),
    values: sum(lost.filter(({ column }) => column !== null)),
  };
}
