/** The statements of an application that nobody wrote down: what any program does with the tables of a change. */
import { quoteName, quoteNames, quoteTable, type TableName } from '../identifier.ts';
import type { Origin, Side } from './report.ts';
import { type CopyColumn, type CopyTable, writable } from './table.ts';

export interface Query {
  readonly side: Side;
  readonly sql: string;
  readonly origin: Origin;
  /** In the order of `$1`, `$2`, ... */
  readonly params: readonly Param[];
}

/** Where the value of a parameter comes from. */
export type Param =
  /** A row that is there: the parameters of one table are all from the same one. */
  | { readonly from: 'row'; readonly table: TableName; readonly column: string; readonly list?: boolean }
  /** A value to be written there. */
  | { readonly from: 'value'; readonly table: TableName; readonly column: string }
  /** One of the type that the server says; there is nothing else to go by. */
  | { readonly from: 'type' }
  | { readonly from: 'fixed'; readonly text: string };

/** `changed` are the columns that the change is about: they are written more often than the rest. */
export function generatedQueries(
  side: Side,
  tables: readonly CopyTable[],
  changed: (table: CopyTable, column: string) => boolean,
): readonly Query[] {
  return tables.flatMap((table) => {
    const query = (sql: string, params: readonly Param[]): Query => ({
      ...{ side, sql, params, origin: 'generated' },
    });
    return [...inserts(table, query), ...updates(table, changed, query), ...selects(table, query)];
  });
}

type Make = (sql: string, params: readonly Param[]) => Query;

function inserts(table: CopyTable, query: Make): Query[] {
  const columns = writable(table);
  const list = columns.length === 0 ? 'DEFAULT VALUES' : undefined;
  const values = columns.map((_, index) => `$${index + 1}`).join(', ');
  const into = `INSERT INTO ${quoteTable(table.table)}`;
  return [
    query(
      `${into} ${list ?? `(${quoteNames(columns.map(({ name }) => name))}) VALUES (${values})`}`,
      columns.map((column) => writtenParam(table, column)),
    ),
  ];
}

function updates(
  table: CopyTable,
  changed: (table: CopyTable, column: string) => boolean,
  query: Make,
): Query[] {
  const { key } = table;
  if (key === null) return [];
  const free = writable(table).filter(({ name }) => !key.includes(name));
  const about = free.filter(({ name }) => changed(table, name));
  const other = free.find((column) => !about.includes(column));
  return [...about, ...(other ? [other] : [])].map((column) =>
    query(`UPDATE ${quoteTable(table.table)} SET ${quoteName(column.name)} = $1 WHERE ${whereKey(key, 2)}`, [
      writtenParam(table, column),
      ...rowParams(table, key),
    ]),
  );
}

function selects(table: CopyTable, query: Make): Query[] {
  const { key, columns } = table;
  const list = columns.length === 0 ? '*' : quoteNames(columns.map(({ name }) => name));
  const select = `SELECT ${list} FROM ${quoteTable(table.table)}`;
  return [
    key === null
      ? query(`${select} LIMIT 10`, [])
      : query(`${select} WHERE ${whereKey(key, 1)}`, rowParams(table, key)),
  ];
}

/** What a foreign key says comes from the table that it points at. */
export function writtenParam({ table, foreignKeys }: CopyTable, { name }: CopyColumn): Param {
  for (const key of foreignKeys) {
    const at = key.columns.indexOf(name);
    const column = key.references[at];
    if (column !== undefined) return { from: 'row', table: key.table, column };
  }
  return { from: 'value', table, column: name };
}

const rowParams = ({ table }: CopyTable, key: readonly string[]): Param[] =>
  key.map((column) => ({ from: 'row', table, column }));

export const whereKey = (key: readonly string[], first: number) =>
  key.map((column, index) => `${quoteName(column)} = $${first + index}`).join(' AND ');
