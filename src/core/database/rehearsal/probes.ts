/** A value that one version writes has to be read by the other one as what `up` and `down` make of it. */
import { quoteName, quoteTable, showTable } from '../identifier.ts';
import { alike } from '../triggers.ts';
import type { Differences, Half, Move } from './differences.ts';
import type { Side } from './report.ts';
import { type Param, whereKey, writtenParam } from './queries.ts';
import { columnOf, type CopyTable, writable } from './table.ts';

export interface Probe {
  readonly writer: Side;
  readonly table: CopyTable;
  readonly columns: readonly string[];
  /** Its parameters are the values, and then the key of the row. */
  readonly write: string;
  readonly values: readonly Param[];
  /** One row: whether it is as it must be, what is there, and what has to be. Parameters: the key. */
  readonly read: string;
  readonly label: string;
}

export function probesOf(differences: Differences, tables: readonly CopyTable[]): Probe[] {
  return [...linkProbes(differences, tables), ...moveProbes(differences, tables)];
}

function linkProbes({ links, brought, taken }: Differences, tables: readonly CopyTable[]): Probe[] {
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
  if (unfit || compared.length === 0) return [];
  const is = compared.map(({ column }) => quoteName(column));
  const must = compared.map(({ column, expression }) => typed(table, column, expression));
  const sql = `SELECT ${same(is, must)} FROM ${quoteTable(table.table)} WHERE ${whereKey(key, 1)}`;
  return [{ ...writing(writer, table, key, columns), read: sql }];
}

/** Row by row from one table to the other: the one that is read is found by what its key must be. */
function moveProbes({ moves }: Differences, tables: readonly CopyTable[]): Probe[] {
  const tableOf = (name: Move['from']) => tables.find(({ table }) => quoteTable(table) === quoteTable(name));
  return moves.flatMap(({ from, to, columns, down }) => {
    const [here, there] = [tableOf(from), tableOf(to)];
    if (!here || !there) return [];
    const asThey = (table: CopyTable) =>
      Object.fromEntries(writable(table).map(({ name }) => [name, quoteName(name)]));
    const keys = Object.fromEntries((here.key ?? []).map((name) => [name, quoteName(name)]));
    const onward = columns ?? { ...keys, ...asThey(here) };
    const back = down ?? { ...keys, ...asThey(there) };
    return [...moved('old', here, there, back, onward), ...moved('new', there, here, onward, back)];
  });
}

type Columns = Readonly<Record<string, string>>;

function moved(writer: Side, from: CopyTable, to: CopyTable, known: Columns, onward: Columns): Probe[] {
  const { key } = from;
  const targetKey = to.key?.filter((name) => onward[name] !== undefined) ?? [];
  const columns = Object.keys(known).filter((name) => key?.includes(name) === false);
  if (key === null || targetKey.length === 0 || targetKey.length !== to.key?.length || columns.length === 0)
    return [];
  const names = Object.keys(onward);
  const must = names.map((name) => typed(to, name, onward[name] ?? 'NULL'));
  const inner = must.map((expression, index) => `${expression} AS e${index}`).join(', ');
  const row = `SELECT ${inner} FROM (SELECT * FROM ${quoteTable(from.table)} WHERE ${whereKey(key, 1)}) AS ${quoteName(from.table.name)}`;
  const on = targetKey
    .map((name) => `segue_is.${quoteName(name)} = segue_must.e${names.indexOf(name)}`)
    .join(' AND ');
  const read = `SELECT ${same(
    names.map((name) => `segue_is.${quoteName(name)}`),
    names.map((_, index) => `segue_must.e${index}`),
  )} FROM (${row}) AS segue_must LEFT JOIN ${quoteTable(to.table)} AS segue_is ON ${on}`;
  return [{ ...writing(writer, from, key, columns), read }];
}

function writing(
  writer: Side,
  table: CopyTable,
  key: readonly string[],
  columns: readonly string[],
): Omit<Probe, 'read'> {
  const set = columns.map((column, index) => `${quoteName(column)} = $${index + 1}`).join(', ');
  return {
    ...{ writer, table, columns, label: showTable(table.table) },
    write: `UPDATE ${quoteTable(table.table)} SET ${set} WHERE ${whereKey(key, columns.length + 1)}`,
    values: columns.flatMap((name) => {
      const column = columnOf(table, name);
      return column ? [writtenParam(table, column)] : [];
    }),
  };
}

function typed(table: CopyTable, column: string, expression: string): string {
  const type = columnOf(table, column)?.type.name;
  return type === undefined ? `(${expression})` : `(${expression})::${type}`;
}

const same = (is: readonly string[], must: readonly string[]) =>
  `${alike(is.join(', '), must.join(', '))} AS same, ROW(${is.join(', ')})::text AS is, ROW(${must.join(', ')})::text AS must`;
