/** What plain SQL names, brings and takes away, as its parse tree says it. */
import { quoteTable, type TableName } from '../identifier.ts';
import type { ParsedSql, ParsedStatement, SqlNode } from '../sql/parsed.ts';
import { child, everyOf, items, itemsOf, tableOf, word, words } from '../sql/tree.ts';
import type { Named, SqlDifferences, SqlForward } from './differences.ts';

export function sqlDifferences(
  { expand, backfill, contract }: SqlForward,
  parse: (sql: string) => ParsedSql,
): SqlDifferences {
  const parsed = (statements: readonly string[]) =>
    statements.flatMap((statement) => {
      const result = parse(statement.replace(/:rows\b/g, '12345'));
      return result.ok ? result.statements : [];
    });
  const forward = parsed(expand);
  const last = parsed(contract);
  const brought = forward.flatMap(broughtBy);
  const taken = last.flatMap(takenBy);
  const tables = [...forward, ...parsed(backfill), ...last].flatMap(tablesIn);
  const unique = new Map(tables.map((table) => [quoteTable(table), table]));
  return { tables: [...unique.values()], brought: merged(brought), taken: merged(taken) };
}

interface Touched {
  readonly table: TableName;
  readonly column: string | null;
}

function broughtBy({ kind, node }: ParsedStatement): Touched[] {
  if (kind === 'CreateStmt') return [{ table: nameOf(child(node, 'relation')), column: null }];
  return commands(kind, node, 'AT_AddColumn', (command) =>
    word(child(child(command, 'def'), 'ColumnDef'), 'colname'),
  );
}

function takenBy({ kind, node }: ParsedStatement): Touched[] {
  if (kind === 'DropStmt' && word(node, 'removeType') === 'OBJECT_TABLE')
    return itemsOf(node, 'objects', 'List').map((list) => {
      const parts = words(list, 'items');
      return { table: { schema: parts.at(-2) ?? 'public', name: parts.at(-1) ?? '' }, column: null };
    });
  if (kind === 'RenameStmt') {
    const table = nameOf(child(node, 'relation'));
    const type = word(node, 'renameType');
    if (type === 'OBJECT_COLUMN') return [{ table, column: word(node, 'subname') }];
    return type === 'OBJECT_TABLE' ? [{ table, column: null }] : [];
  }
  return commands(kind, node, 'AT_DropColumn', (command) => word(command, 'name'));
}

function commands(
  kind: string,
  node: SqlNode,
  wanted: string,
  column: (command: SqlNode) => string,
): Touched[] {
  if (kind !== 'AlterTableStmt') return [];
  const table = nameOf(child(node, 'relation'));
  return items(node, 'cmds').flatMap(({ node: command }) =>
    word(command, 'subtype') === wanted ? [{ table, column: column(command) }] : [],
  );
}

/** A relation is written without its kind where its place says what it is. */
function tablesIn({ node }: ParsedStatement): TableName[] {
  const places = [child(node, 'relation'), ...everyOf(node, 'RangeVar')];
  return places.filter((place) => word(place, 'relname') !== '').map(nameOf);
}

function nameOf(relation: SqlNode): TableName {
  const { schema, name } = tableOf(relation);
  return { schema: schema ?? 'public', name };
}

function merged(touched: readonly Touched[]): Named {
  const whole = new Map<string, Set<string> | null>();
  for (const { table, column } of touched) {
    const key = quoteTable(table);
    const known = whole.get(key);
    whole.set(key, column === null || known === null ? null : new Set([...(known ?? []), column]));
  }
  return whole;
}
