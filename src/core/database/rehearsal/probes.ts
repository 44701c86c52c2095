/** A value that one version writes has to be read by the other one as what `up` and `down` make of it. */
import { quoteName, quoteTable, showTable } from '../identifier.ts';
import { alike } from '../triggers.ts';
import type { Differences, Half } from './differences.ts';
import type { Side } from './report.ts';
import { type Param, rowParams, writtenParam } from './queries.ts';
import { columnOf, type CopyTable } from './table.ts';

export interface Probe {
  readonly writer: Side;
  readonly table: CopyTable;
  readonly columns: readonly string[];
  /** Its parameters are the values, and then the key of the row. */
  readonly write: string;
  readonly values: readonly Param[];
  readonly key: readonly Param[];
  /** One row: whether it is as it must be, what is there, and what has to be. Parameters: the key. */
  readonly read: string;
  readonly label: string;
}

export function probesOf({ links, brought, taken }: Differences, tables: readonly CopyTable[]): Probe[] {
  const isIn = (names: Differences['brought'], table: CopyTable, column: string) => {
    const found = names.get(quoteTable(table.table));
    return found !== undefined && (found === null || found.has(column));
  };
  return links.flatMap((link) => {
    const table = tables.find((each) => quoteTable(each.table) === quoteTable(link.table));
    if (!table?.key) return [];
    const old = link.olds.some(({ column }) => isIn(brought, table, column));
    const late = link.news.some(({ column }) => isIn(taken, table, column));
    return [
      ...(old ? [] : probe('old', table, table.key, link.olds, link.news)),
      ...(late ? [] : probe('new', table, table.key, link.news, link.olds)),
    ];
  });
}

function probe(
  writer: Side,
  table: CopyTable,
  key: readonly string[],
  written: readonly Half[],
  read: readonly Half[],
): Probe[] {
  const columns = written.map(({ column }) => column);
  const compared = read.filter((half): half is Half & { expression: string } => half.expression !== null);
  // A key that is written would be another row.
  const unfit = columns.some((column) => key.includes(column));
  const types = new Map(table.columns.map(({ name, type }) => [name, type.name]));
  if (unfit || compared.length === 0) return [];
  const where = (first: number) =>
    key.map((column, index) => `${quoteName(column)} = $${first + index}`).join(' AND ');
  const is = compared.map(({ column }) => quoteName(column));
  const must = compared.map(({ column, expression }) => {
    const type = types.get(column);
    return type === undefined ? `(${expression})` : `(${expression})::${type}`;
  });
  const set = columns.map((column, index) => `${quoteName(column)} = $${index + 1}`).join(', ');
  return [
    {
      ...{ writer, table, columns },
      values: columns.flatMap((name) => {
        const column = columnOf(table, name);
        return column ? [writtenParam(table, column)] : [];
      }),
      key: rowParams(table, key),
      write: `UPDATE ${quoteTable(table.table)} SET ${set} WHERE ${where(columns.length + 1)}`,
      read: `SELECT ${alike(is.join(', '), must.join(', '))} AS same, ROW(${is.join(', ')})::text AS is, ROW(${must.join(', ')})::text AS must FROM ${quoteTable(table.table)} WHERE ${where(1)}`,
      label: showTable(table.table),
    },
  ];
}
