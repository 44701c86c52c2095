/** Going through a table by ranges of its key, whatever types it has: values travel as text and are cast back. */
import type { KeyColumn } from './facts.ts';
import { quoteName, quoteTable, type TableName } from './identifier.ts';

const row = (parts: readonly string[]) => (parts.length === 1 ? parts.join('') : `(${parts.join(', ')})`);

const columns = (key: readonly KeyColumn[]) => key.map(({ name }) => quoteName(name));

const values = (key: readonly KeyColumn[], from: number) =>
  key.map(({ type }, index) => `$${from + index}::text::${type}`);

/** The greatest key that there is. */
export function lastKey(table: TableName, key: readonly KeyColumn[]): string {
  const order = key.map(({ name }) => `last.${quoteName(name)} DESC`).join(', ');
  return `SELECT ${asText(key)} FROM ${quoteTable(table)} AS last ORDER BY ${order} LIMIT 1`;
}

const asText = (key: readonly KeyColumn[]) =>
  key.map(({ name }, index) => `${quoteName(name)}::text AS segue_k${index}`).join(', ');

/** Behind the cursor, if there is one, and up to the key at which all ends. */
function ahead(key: readonly KeyColumn[], begun: boolean): string {
  const name = row(columns(key));
  const until = `${name} <= ${row(values(key, begun ? key.length + 1 : 1))}`;
  return begun ? `${name} > ${row(values(key, 1))} AND ${until}` : until;
}

/**
 * The key of the last row of a batch that is full, found in the index alone; no row: fewer are left. Parameters are
 * the cursor, if there is one, and the key at which all ends.
 */
export function endOfFullBatch(
  table: TableName,
  key: readonly KeyColumn[],
  rows: number,
  begun: boolean,
): string {
  // By the columns of the table: as text they would have another order.
  const order = key.map(({ name }) => `batch.${quoteName(name)}`).join(', ');
  return `SELECT ${asText(key)}, ${rows} AS rows FROM ${quoteTable(table)} AS batch WHERE ${ahead(key, begun)} ORDER BY ${order} OFFSET ${rows - 1} LIMIT 1`;
}

/** The key of the last row of a batch that may be smaller; the same parameters. */
export function endOfBatch(
  table: TableName,
  key: readonly KeyColumn[],
  rows: number,
  begun: boolean,
): string {
  const names = columns(key);
  const inner = `SELECT ${names.join(', ')} FROM ${quoteTable(table)} WHERE ${ahead(key, begun)} ORDER BY ${names.join(', ')} LIMIT ${rows}`;
  return `SELECT ${asText(key)}, count(*) OVER ()::int AS rows FROM (${inner}) AS batch ORDER BY ${names.map((name) => `${name} DESC`).join(', ')} LIMIT 1`;
}

/** The rows of a batch; parameters are the cursor, if there is one, and then its end. */
export function withinBatch(key: readonly KeyColumn[], begun: boolean): string {
  const names = columns(key);
  const end = `${row(names)} <= ${row(values(key, begun ? key.length + 1 : 1))}`;
  return begun ? `${row(names)} > ${row(values(key, 1))} AND ${end}` : end;
}
