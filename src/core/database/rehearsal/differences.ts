/**
 * What the two versions do not have in common: what a change brings, what it takes away, and which columns say
 * the same in another way. The old version uses what is there without the first, the new one without the second.
 */
import type { Change, Operation, RawSql, SqlFiles } from '../change.ts';
import { quoteName, quoteTable, type TableName } from '../identifier.ts';

export interface Differences {
  readonly tables: readonly TableName[];
  /** By table, quoted; `null` is the whole table. */
  readonly brought: Named;
  readonly taken: Named;
  readonly links: readonly Link[];
  readonly moves: readonly Move[];
}

/** What plain SQL says of itself: of it nobody knows what is kept in step. */
export type SqlDifferences = Omit<Differences, 'links' | 'moves'>;

export type Named = ReadonlyMap<string, ReadonlySet<string> | null>;

/** Two sides of a table that triggers keep in step. */
export interface Link {
  readonly table: TableName;
  readonly olds: readonly Half[];
  readonly news: readonly Half[];
}

/** Two tables that triggers keep in step, row by row. */
export interface Move {
  readonly from: TableName;
  readonly to: TableName;
  /** Columns there by a row here, and the way back; null: all of them, as they are. */
  readonly columns: Readonly<Record<string, string>> | null;
  readonly down: Readonly<Record<string, string>> | null;
}

export interface Half {
  readonly column: string;
  /** What it must be, over the columns of the row; null: the other side does not say. */
  readonly expression: string | null;
}

export type SqlForward = Pick<SqlFiles, 'expand' | 'backfill' | 'contract'>;

/** `ofSql` knows what plain SQL does, which has to be parsed for it. */
export function differencesOf(
  changes: readonly Change[],
  ofSql: (files: SqlForward) => SqlDifferences,
): Differences {
  const parts = changes.flatMap(({ body }) =>
    body.form === 'sql'
      ? [{ ...NONE, ...ofSql(body.files) }]
      : body.operations.map((operation) =>
          operation.type === 'sql' ? { ...NONE, ...ofSql(forwardOf(operation)) } : differenceOf(operation),
        ),
  );
  const brought = mergedNames(parts.map((part) => part.brought));
  const taken = mergedNames(parts.map((part) => part.taken));
  const tables = new Map(parts.flatMap((part) => part.tables).map((table) => [quoteTable(table), table]));
  const links = parts.flatMap((part) => part.links);
  return { brought, taken, links, tables: [...tables.values()], moves: parts.flatMap((part) => part.moves) };
}

const forwardOf = ({ up, contract }: RawSql): SqlForward => ({
  ...{ expand: [up], backfill: [] },
  contract: contract === null ? [] : [contract],
});

function differenceOf(operation: Operation): Differences {
  if (operation.type === 'sql' || operation.type === 'addEnumValue') return NONE;
  const { table } = operation;
  const news = broughtBy(operation);
  const olds = takenBy(operation);
  const link = linkOf(operation);
  const base = {
    tables: [table],
    brought: nameMap(table, news),
    taken: nameMap(table, olds),
    links: link ? [link] : [],
    moves: [],
  };
  if (operation.type === 'renameTable') {
    const target = { schema: table.schema, name: operation.to };
    const brought: Named = new Map([[quoteTable(target), null]]);
    const move = { from: table, to: target, columns: null, down: null };
    return { ...base, brought, tables: [table, target], moves: [move] };
  }
  if (operation.type === 'moveRows')
    return {
      ...base,
      tables: [table, operation.to],
      brought: new Map([[quoteTable(operation.to), null]]),
      taken: new Map([[quoteTable(table), null]]),
      moves: [{ from: table, to: operation.to, columns: operation.columns, down: operation.down }],
    };
  return base;
}

const NONE: Differences = { tables: [], brought: new Map(), taken: new Map(), links: [], moves: [] };

/** `null`: the table itself. */
function broughtBy(operation: Operation): readonly string[] | null {
  switch (operation.type) {
    case 'addColumn':
      return [operation.column];
    case 'renameColumn':
      return [operation.to];
    case 'changeType':
      return operation.to === null ? [] : [operation.to];
    case 'splitColumn':
      return Object.keys(operation.into);
    case 'mergeColumns':
      return [operation.into];
    case 'createTable':
      return null;
    default:
      return [];
  }
}

function takenBy(operation: Operation): readonly string[] | null {
  switch (operation.type) {
    case 'renameColumn':
    case 'dropColumn':
    case 'splitColumn':
      return [operation.column];
    case 'changeType':
      return operation.to === null ? [] : [operation.column];
    case 'mergeColumns':
      return Object.keys(operation.columns);
    case 'dropTable':
    case 'renameTable':
      return null;
    default:
      return [];
  }
}

function linkOf(operation: Operation): Link | null {
  switch (operation.type) {
    case 'renameColumn': {
      const { table, column, to } = operation;
      return {
        table,
        olds: [{ column, expression: quoteName(to) }],
        news: [{ column: to, expression: quoteName(column) }],
      };
    }
    case 'changeType': {
      const { table, column, to, up, down } = operation;
      if (to === null) return null;
      return {
        table,
        olds: [{ column, expression: down ?? quoteName(to) }],
        news: [{ column: to, expression: up ?? quoteName(column) }],
      };
    }
    case 'splitColumn': {
      const { table, column, into, down } = operation;
      const news = Object.entries(into).map(([name, { up }]) => ({ column: name, expression: up }));
      return { table, olds: [{ column, expression: down }], news };
    }
    case 'mergeColumns': {
      const { table, columns, into, up } = operation;
      const olds = Object.entries(columns).map(([column, expression]) => ({ column, expression }));
      return { table, olds, news: [{ column: into, expression: up }] };
    }
    case 'addColumn': {
      const { table, column, up, from } = operation;
      // Worked out again only when what it is made from changes; what the new version writes is its own.
      if (up === null || from.length === 0) return null;
      const olds = from.map((each) => ({ column: each, expression: null }));
      return { table, olds, news: [{ column, expression: up }] };
    }
    default:
      return null;
  }
}

const nameMap = (table: TableName, names: readonly string[] | null): Named =>
  names !== null && names.length === 0
    ? new Map()
    : new Map([[quoteTable(table), names === null ? null : new Set(names)]]);

function mergedNames(maps: readonly Named[]): Named {
  const whole = new Map<string, ReadonlySet<string> | null>();
  for (const [table, names] of maps.flatMap((map) => [...map])) {
    const known = whole.get(table);
    whole.set(table, names === null || known === null ? null : new Set([...(known ?? []), ...names]));
  }
  return whole;
}
