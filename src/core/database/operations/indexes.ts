/** Indexes: always CONCURRENTLY, because anything else stops every write for as long as it takes. */
import type { CreateIndex, DropIndex } from '../change.ts';
import { quoteName, quoteNames, quoteTable, showTable, type TableName } from '../identifier.ts';
import { type Compiled, NOTHING, type Step } from '../step.ts';
import { type Context, refuse, tableOf } from './context.ts';

export function createIndex(operation: CreateIndex, context: Context): Compiled {
  const { table, name, on, unique, method, include, where } = operation;
  const { kind, indexes } = tableOf(context, table);
  if (kind === 'partitioned')
    refuse(
      `${showTable(table)} is partitioned, where no index can be made CONCURRENTLY: make it on each partition.`,
    );
  if (indexes.some((index) => index.name === name))
    refuse(`${showTable(table)} has an index ${name} already.`);
  const index = { schema: table.schema, name };
  const columns = on.map((each) => (each.startsWith('(') ? each : quoteName(each))).join(', ');
  const statement = [
    `CREATE ${unique ? 'UNIQUE ' : ''}INDEX CONCURRENTLY ${quoteName(name)} ON ${quoteTable(table)}`,
    `USING ${quoteName(method)} (${columns})`,
    ...(include.length > 0 ? [`INCLUDE (${quoteNames(include)})`] : []),
    ...(where === null ? [] : [`WHERE ${where}`]),
  ].join(' ');
  return {
    ...NOTHING,
    expand: [concurrently(context, index, table, statement)],
    revert: [dropConcurrently(context, index)],
  };
}

export function dropIndex({ table, name }: DropIndex, context: Context): Compiled {
  const found = tableOf(context, table).indexes.find((index) => index.name === name);
  if (!found) return refuse(`${showTable(table)} has no index ${name}.`);
  if (found.constraint !== null)
    return refuse(`${name} belongs to the constraint ${found.constraint}: drop that with dropConstraint.`);
  const index = { schema: table.schema, name };
  const again = found.definition.replace(/^CREATE (UNIQUE )?INDEX /, 'CREATE $1INDEX CONCURRENTLY ');
  return {
    ...NOTHING,
    contract: [dropConcurrently(context, index)],
    revert: [concurrently(context, index, table, again)],
    restore: [concurrently(context, index, table, again)],
  };
}

export function concurrently(
  { index: place }: Context,
  index: TableName,
  table: TableName,
  statement: string,
): Step {
  return {
    id: `${place + 1}.create-index`,
    title: `build ${index.name} on ${showTable(table)}`,
    tables: [],
    run: { type: 'create-index', index, statement },
  };
}

export function dropConcurrently({ index: place }: Context, index: TableName): Step {
  return {
    id: `${place + 1}.drop-index`,
    title: `drop the index ${index.name}`,
    tables: [],
    run: { type: 'drop-index', index },
  };
}
