/** Rows for tables that came without any: in the order of their foreign keys, one statement for each table. */
import { quoteName, quoteNames, quoteTable, showTable } from '../identifier.ts';
import { boundsOf } from './checks.ts';
import { type CopyColumn, type CopyForeignKey, type CopyTable, isUnique, writable } from './table.ts';
import { valueSql } from './values.ts';

/** One row in so many has no value in a column that allows it. */
const NULL_EVERY = 7;

const keyOf = ({ table }: Pick<CopyTable, 'table'>) => quoteTable(table);

/** Tables come after those that they point at; in a circle the one whose keys may be NULL comes first. */
export function fillOrder(tables: readonly CopyTable[]): readonly CopyTable[] {
  const left = new Map(tables.map((table) => [keyOf(table), table]));
  const ordered: CopyTable[] = [];
  while (left.size > 0) {
    const waiting = [...left.values()];
    const next =
      waiting.find((table) => !waitsFor(table, left, false)) ??
      waiting.find((table) => !waitsFor(table, left, true)) ??
      waiting[0];
    if (!next) break;
    ordered.push(next);
    left.delete(keyOf(next));
  }
  return ordered;
}

function waitsFor(table: CopyTable, left: ReadonlyMap<string, CopyTable>, optional: boolean): boolean {
  return table.foreignKeys.some(
    (key) => left.has(keyOf(key)) && keyOf(key) !== keyOf(table) && !(optional && mayBeNull(table, key)),
  );
}

const mayBeNull = ({ columns }: CopyTable, key: CopyForeignKey) =>
  columns.some(({ name, notNull }) => key.columns.includes(name) && !notNull);

export type Fill = { readonly sql: string } | { readonly why: string };

/** `filled` says how many rows the tables have that were filled before. */
export function fillSql(table: CopyTable, rows: number, filled: ReadonlyMap<string, number>): Fill {
  const values = new Map<string, string>();
  const joins: string[] = [];
  for (const [index, key] of table.foreignKeys.entries()) {
    const parents = filled.get(keyOf(key)) ?? 0;
    if (parents === 0 && mayBeNull(table, key)) continue;
    if (parents === 0) return { why: `it points at ${showTable(key.table)}, which has no rows` };
    const alias = `segue_p${index}`;
    joins.push(parentJoin(key, alias, parents));
    for (const [place, column] of key.columns.entries()) values.set(column, `${alias}.c${place}`);
  }
  const foreign = new Set(table.foreignKeys.flatMap(({ columns }) => columns));
  for (const column of writable(table)) {
    if (foreign.has(column.name)) continue;
    const made = ownValue(table, column);
    if (made !== null) values.set(column.name, made);
    else if (column.notNull && !column.hasDefault)
      return { why: `no value of the type ${column.type.name} can be made for ${column.name}` };
  }
  const names = [...values.keys()];
  const from = [`generate_series(1, ${rows}::bigint) AS segue_n`, ...joins].join(' ');
  // A table of which nothing is to be said is filled with what it has by default.
  const list = names.length === 0 ? '' : ` (${quoteNames(names)})`;
  return {
    sql: `INSERT INTO ${quoteTable(table.table)}${list} SELECT ${[...values.values()].join(', ')} FROM ${from}`,
  };
}

/** Numbered, so that each row finds its parent by a number and no two rows share one while there are enough. */
function parentJoin({ table, references }: CopyForeignKey, alias: string, parents: number): string {
  const numbered = references.map((name, place) => `${quoteName(name)} AS c${place}`).join(', ');
  const order = quoteNames(references);
  return (
    `JOIN (SELECT row_number() OVER (ORDER BY ${order}) - 1 AS n, ${numbered} FROM ${quoteTable(table)}) AS ${alias} ` +
    `ON ${alias}.n = segue_n % ${parents}`
  );
}

function ownValue(table: CopyTable, column: CopyColumn): string | null {
  const made = valueSql(column.type, 'segue_n', boundsOf(column.name, table.checks));
  if (made === null || column.notNull || isUnique(table, column.name)) return made;
  return `CASE WHEN segue_n % ${NULL_EVERY} = 3 THEN NULL ELSE ${made} END`;
}
