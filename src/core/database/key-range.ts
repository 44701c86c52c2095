/** Going through a table by ranges of its key, whatever types it has: values come as text and are cast back. */
import type { KeyColumn } from './facts.ts';
import { quoteName, quoteNames, quoteTable, quoteText, type TableName } from './identifier.ts';

/** The key of the last row that is done, as text; null: none is. */
export type Cursor = readonly string[] | null;

const row = (parts: readonly string[]) => (parts.length === 1 ? parts.join('') : `(${parts.join(', ')})`);

const columns = (key: readonly KeyColumn[]) => row(key.map(({ name }) => quoteName(name)));

const values = (key: readonly KeyColumn[], cursor: readonly string[]) =>
  row(key.map(({ type }, index) => `${quoteText(cursor[index] ?? '')}::text::${type}`));

/** Behind what is done, and up to the key at which all ends. */
export interface Ahead {
  readonly after: Cursor;
  readonly end: readonly string[];
}

const ahead = (key: readonly KeyColumn[], { after, end }: Ahead) => ` WHERE ${withinBatch(key, after, end)}`;

const asText = (key: readonly KeyColumn[]) =>
  key.map(({ name }, index) => `${quoteName(name)}::text AS segue_k${index}`).join(', ');

/** The greatest key that there is. */
export function lastKey(table: TableName, key: readonly KeyColumn[]): string {
  const order = key.map(({ name }) => `last.${quoteName(name)} DESC`).join(', ');
  return `SELECT ${asText(key)} FROM ${quoteTable(table)} AS last ORDER BY ${order} LIMIT 1`;
}

/** The key of the last row of a batch that is full, found in the index alone; no row: fewer are left. */
export function endOfFullBatch(
  table: TableName,
  key: readonly KeyColumn[],
  rows: number,
  range: Ahead,
): string {
  // By the columns of the table: as text they would have another order.
  const order = key.map(({ name }) => `batch.${quoteName(name)}`).join(', ');
  return `SELECT ${asText(key)}, ${rows} AS rows FROM ${quoteTable(table)} AS batch${ahead(key, range)} ORDER BY ${order} OFFSET ${rows - 1} LIMIT 1`;
}

/** The key of the last row of a batch that may be smaller. */
export function endOfBatch(table: TableName, key: readonly KeyColumn[], rows: number, range: Ahead): string {
  const names = key.map(({ name }) => name);
  const inner = `SELECT ${quoteNames(names)} FROM ${quoteTable(table)}${ahead(key, range)} ORDER BY ${quoteNames(names)} LIMIT ${rows}`;
  return `SELECT ${asText(key)}, count(*) OVER ()::int AS rows FROM (${inner}) AS batch ORDER BY ${names.map((name) => `${quoteName(name)} DESC`).join(', ')} LIMIT 1`;
}

/** The rows of a batch. */
export function withinBatch(key: readonly KeyColumn[], after: Cursor, until: readonly string[]): string {
  const end = `${columns(key)} <= ${values(key, until)}`;
  return after === null ? end : `${columns(key)} > ${values(key, after)} AND ${end}`;
}
