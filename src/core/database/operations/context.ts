/** What every operation is worked out from, and the pieces that many of them share. */
import type { ColumnFacts, Facts, TableFacts } from '../facts.ts';
import { madeName, quoteName, quoteTable, showTable, type TableName } from '../identifier.ts';
import { mentions } from '../rename.ts';
import type { Job, Step } from '../step.ts';
import { fillsOf } from '../triggers.ts';
import { SegueError } from '../../errors.ts';

export interface Context {
  readonly change: string;
  readonly index: number;
  readonly facts: Facts;
}

export function refuse(message: string): never {
  throw new SegueError('CHANGE_IMPOSSIBLE', message);
}

export function tableOf({ facts }: Context, table: TableName): TableFacts {
  const found = facts[quoteTable(table)];
  if (!found) return refuse(`There is no table ${showTable(table)}.`);
  if (found.kind === 'other') return refuse(`${showTable(table)} is not a table of this database's own.`);
  return found;
}

export function columnOf(context: Context, table: TableName, column: string): ColumnFacts {
  const found = tableOf(context, table).columns.find(({ name }) => name === column);
  if (!found) return refuse(`${showTable(table)} has no column ${column}.`);
  return found;
}

export function mustBeFree(context: Context, table: TableName, column: string): void {
  const taken = tableOf(context, table).columns.some(({ name }) => name === column);
  if (taken) refuse(`${showTable(table)} has a column ${column} already.`);
}

/** Of a backfill, and of what is asked before something is thrown away: what they cannot see they would pass over. */
export function mustSeeRows(context: Context, table: TableName): void {
  if (tableOf(context, table).hidden)
    refuse(
      `Row-level security hides rows of ${showTable(table)} from this role: give it BYPASSRLS, or take FORCE ROW LEVEL SECURITY from the table.`,
    );
}

export function mustHaveNoHeirs(context: Context, table: TableName): void {
  if (tableOf(context, table).heirs)
    refuse(`Other tables inherit from ${showTable(table)}, and a trigger of it is not told of their rows.`);
}

/** What is worked out by a trigger has to have one wherever rows are, and to be over columns that it can see. */
export function mustBeSeenByTriggers(
  context: Context,
  table: TableName,
  expressions: readonly (string | null)[],
): void {
  const { columns } = tableOf(context, table);
  const given = expressions.flatMap((each) => each ?? []);
  if (given.length > 0) mustHaveNoHeirs(context, table);
  const early = columns.find(
    ({ name, generated }) => generated && given.some((each) => mentions(each, name)),
  );
  if (early)
    refuse(
      `${showTable(table)}.${early.name} is generated, and no trigger sees what it comes to: write its expression instead.`,
    );
}

/** In one transaction. */
export function step(
  { index }: Context,
  name: string,
  title: string,
  tables: readonly TableName[],
  ...statements: readonly string[]
): Step {
  return { id: `${index + 1}.${name}`, title, tables, run: { type: 'transaction', statements } };
}

export const alter = (table: TableName, ...actions: readonly string[]): string =>
  `ALTER TABLE ${quoteTable(table)} ${actions.join(', ')}`;

/** When the table is gone there is nothing to take back. */
export const alterIfThere = (table: TableName, ...actions: readonly string[]): string =>
  `ALTER TABLE IF EXISTS ${quoteTable(table)} ${actions.join(', ')}`;

/** Checked beforehand under a weak lock, so that SET NOT NULL has nothing left to scan. */
export function notNullSteps(context: Context, table: TableName, columns: readonly string[]): Step[] {
  return columns.flatMap((column) => {
    const check = quoteName(notNullCheck(context, table, column));
    const place = `${showTable(table)}.${column}`;
    const id = (name: string) => `${name}.${column}`;
    return [
      step(
        context,
        id('not-null-check'),
        `refuse new NULLs in ${place}`,
        [table],
        alter(table, `ADD CONSTRAINT ${check} CHECK (${quoteName(column)} IS NOT NULL) NOT VALID`),
      ),
      step(
        context,
        id('not-null-validate'),
        `check that ${place} has no NULL`,
        [],
        alter(table, `VALIDATE CONSTRAINT ${check}`),
      ),
      step(
        context,
        id('not-null'),
        `make ${place} NOT NULL`,
        [table],
        alter(table, `ALTER COLUMN ${quoteName(column)} SET NOT NULL`),
        alter(table, `DROP CONSTRAINT ${check}`),
      ),
    ];
  });
}

/** NULL is allowed again, however far those steps came. */
export const nullAgain = (context: Context, table: TableName, columns: readonly string[]): string[] =>
  columns.flatMap((column) => [
    `DROP CONSTRAINT IF EXISTS ${quoteName(notNullCheck(context, table, column))}`,
    `ALTER COLUMN ${quoteName(column)} DROP NOT NULL`,
  ]);

export const notNullCheck = (context: Context, table: TableName, column: string): string =>
  madeName('segue', context.change, String(context.index + 1), table.name, column, 'not_null');

export function updateJob(
  context: Context,
  table: TableName,
  set: readonly { readonly column: string; readonly expression: string }[],
): Job {
  const { key, rows, kind } = tableOf(context, table);
  mustSeeRows(context, table);
  const empty = set.map(({ column }) => `${quoteName(column)} IS NULL`).join(' AND ');
  const something = set.map(({ expression }) => `(${expression}) IS NOT NULL`).join(' OR ');
  return {
    type: 'update',
    id: `${context.index + 1}.backfill`,
    fills: fillsOf(context.change, context.index),
    table,
    set,
    needs: `${empty} AND (${something})`,
    ...{ key, rows, partitioned: kind === 'partitioned' },
  };
}
