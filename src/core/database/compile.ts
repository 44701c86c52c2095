/** From what a change says to what is done, in order. Pure: the same change and facts give the same steps. */
import { SegueError } from '../errors.ts';
import type { Change, Operation, SqlFiles } from './change.ts';
import type { Facts, TableFacts } from './facts.ts';
import { quoteTable, type TableName } from './identifier.ts';
import { addColumn, changeType, mergeColumns, renameColumn, splitColumn } from './operations/columns.ts';
import type { Context } from './operations/context.ts';
import { createIndex, dropIndex } from './operations/indexes.ts';
import {
  addCheck,
  addForeignKey,
  addUnique,
  dropColumn,
  dropConstraint,
  dropDefault,
  dropNotNull,
  setDefault,
  setNotNull,
} from './operations/rules.ts';
import { addEnumValue, createTable, dropTable, moveRows, rawSql, renameTable } from './operations/tables.ts';
import { type Compiled, NOTHING, type Step } from './step.ts';

/** Throws CHANGE_IMPOSSIBLE, naming the operation. */
export function compile({ name, body }: Change, facts: Facts): Compiled {
  if (body.form === 'sql') return compileSql(body.files);
  let known = facts;
  let whole = NOTHING;
  for (const [index, operation] of body.operations.entries()) {
    const part = compiled(operation, { change: name, index, facts: known });
    known = after(operation, known);
    whole = {
      expand: [...whole.expand, ...part.expand],
      jobs: [...whole.jobs, ...part.jobs],
      seal: [...whole.seal, ...part.seal],
      contract: [...whole.contract, ...part.contract],
      finish: [...whole.finish, ...part.finish],
      // The way back is the opposite way.
      revert: [...part.revert, ...whole.revert],
      losses: [...whole.losses, ...part.losses],
      pending: [...whole.pending, ...part.pending],
      restore: [...part.restore, ...whole.restore],
      standing: [...whole.standing, ...part.standing],
      bound: [...whole.bound, ...part.bound],
    };
  }
  return whole;
}

function compiled(operation: Operation, context: Context): Compiled {
  try {
    return dispatch(operation, context);
  } catch (error) {
    if (!(error instanceof SegueError)) throw error;
    const place = `operations[${context.index}] (${operation.type})`;
    throw new SegueError(error.code, `${context.change}, ${place}: ${error.detail}`);
  }
}

function dispatch(operation: Operation, context: Context): Compiled {
  switch (operation.type) {
    case 'addColumn':
      return addColumn(operation, context);
    case 'renameColumn':
      return renameColumn(operation, context);
    case 'changeType':
      return changeType(operation, context);
    case 'dropColumn':
      return dropColumn(operation, context);
    case 'splitColumn':
      return splitColumn(operation, context);
    case 'mergeColumns':
      return mergeColumns(operation, context);
    case 'setNotNull':
      return setNotNull(operation, context);
    case 'dropNotNull':
      return dropNotNull(operation, context);
    case 'setDefault':
      return setDefault(operation, context);
    case 'dropDefault':
      return dropDefault(operation, context);
    case 'addUnique':
      return addUnique(operation, context);
    case 'addCheck':
      return addCheck(operation, context);
    case 'addForeignKey':
      return addForeignKey(operation, context);
    case 'dropConstraint':
      return dropConstraint(operation, context);
    case 'createIndex':
      return createIndex(operation, context);
    case 'dropIndex':
      return dropIndex(operation, context);
    case 'createTable':
      return createTable(operation, context);
    case 'renameTable':
      return renameTable(operation, context);
    case 'dropTable':
      return dropTable(operation, context);
    case 'moveRows':
      return moveRows(operation, context);
    case 'addEnumValue':
      return addEnumValue(operation, context);
    case 'sql':
      return rawSql(operation, context);
  }
}

/** What later operations of the same change may build on. */
function after(operation: Operation, facts: Facts): Facts {
  if (operation.type === 'createTable') {
    const { table, columns, primaryKey } = operation;
    const made: TableFacts = {
      ...{ table, kind: 'table', indexes: [], constraints: [], referencedBy: [] },
      ...{ hidden: false, heirs: false, rows: 0 },
      columns: Object.entries(columns).map(([name, column]) => plainColumn(name, column.columnType)),
      key:
        primaryKey.length === 0
          ? null
          : primaryKey.map((name) => ({ name, type: columns[name]?.columnType ?? 'text' })),
    };
    return { ...facts, [quoteTable(table)]: made };
  }
  if (!('table' in operation)) return facts;
  const table = facts[quoteTable(operation.table)];
  if (!table) return facts;
  const columns = newColumns(operation).map(({ name, type }) => plainColumn(name, type));
  return { ...facts, [quoteTable(operation.table)]: { ...table, columns: [...table.columns, ...columns] } };
}

function newColumns(operation: Operation): { name: string; type: string }[] {
  switch (operation.type) {
    case 'addColumn':
      return [{ name: operation.column, type: operation.columnType }];
    case 'changeType':
      return operation.to === null ? [] : [{ name: operation.to, type: operation.columnType }];
    case 'renameColumn':
      return [{ name: operation.to, type: 'text' }];
    case 'splitColumn':
      return Object.entries(operation.into).map(([name, { columnType }]) => ({ name, type: columnType }));
    case 'mergeColumns':
      return [{ name: operation.into, type: operation.columnType }];
    default:
      return [];
  }
}

const plainColumn = (name: string, type: string) => ({
  ...{ name, type, notNull: false, default: null, identity: false, generated: false, sequence: null },
});

/** The tables that a change speaks of, whose facts it needs. */
export function tablesOf({ body }: Change): TableName[] {
  if (body.form === 'sql') return [];
  return body.operations.flatMap((operation) => {
    if (operation.type === 'addEnumValue' || operation.type === 'sql') return [];
    const { table } = operation;
    if (operation.type === 'moveRows') return [table, operation.to];
    if (operation.type === 'renameTable') return [table, { schema: table.schema, name: operation.to }];
    return [table];
  });
}

function compileSql(files: SqlFiles): Compiled {
  const steps = (statements: readonly string[], phase: string) =>
    statements.map((statement, index) => plainStep(statement, `${phase}.${index + 1}`));
  return {
    ...NOTHING,
    expand: steps(files.expand, 'expand'),
    jobs: files.backfill.map((statement, index) => ({
      type: 'repeat',
      id: `backfill.${index + 1}`,
      statement,
    })),
    contract: steps(files.contract, 'contract'),
    revert: steps(files.revert, 'revert'),
    bound: files.contract.length > 0 ? ['contract.sql has no way back'] : [],
  };
}

const CREATE_INDEX =
  /^CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?(\S+)\s+ON\s+(?:ONLY\s+)?(\S+)/i;

const OUTSIDE = /^(?:DROP\s+INDEX|REINDEX|ALTER\s+TABLE)\b[^']*\bCONCURRENTLY\b|^VACUUM\b/i;

function plainStep(statement: string, id: string): Step {
  const title = shortened(statement);
  const [, name, on] = CREATE_INDEX.exec(statement) ?? [];
  if (name === undefined || on === undefined)
    return {
      ...{ id, title, tables: [] },
      run: OUTSIDE.test(statement)
        ? { type: 'outside', statement }
        : { type: 'transaction', statements: [statement] },
    };
  const schema = /^"?([^".]+)"?\./.exec(on)?.[1] ?? 'public';
  const index = { schema, name: name.startsWith('"') ? name.slice(1, -1) : name.toLowerCase() };
  return { id, title, tables: [], run: { type: 'create-index', index, statement } };
}

function shortened(statement: string): string {
  const line = statement.replace(/\s+/g, ' ').trim();
  return line.length > 72 ? `${line.slice(0, 69)}...` : line;
}
