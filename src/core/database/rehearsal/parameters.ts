/** Which columns the parameters of a statement stand for, so that their values can be such as are there. */
import type { TableName } from '../identifier.ts';
import type { ParsedStatement, SqlNode } from '../sql/parsed.ts';
import { child, everyOf, items, itemsOf, named, tableOf, whole, word, words } from '../sql/tree.ts';
import type { Param } from './queries.ts';

/** `hasColumn` tells tables apart where a column is written without one. */
export function paramsOf(
  statement: ParsedStatement,
  hasColumn: (table: TableName, column: string) => boolean,
): readonly Param[] {
  const found = new Map<number, Param>();
  const tables = relationsOf(statement);
  const note = (value: unknown, param: Param) => {
    const number = numberOf(value);
    if (number !== null && !found.has(number)) found.set(number, param);
  };
  const resolve = (reference: SqlNode) => columnIn(reference, tables, hasColumn);
  for (const { kind, node } of nodesThatWrite(statement)) noteWritten(kind, node, note);
  for (const node of everyOf(statement.node, 'A_Expr')) noteCompared(node, resolve, note);
  for (const select of [...everyOf(statement.node, 'SelectStmt'), statement.node]) {
    note(select['limitCount'], { from: 'fixed', text: '10' });
    note(select['limitOffset'], { from: 'fixed', text: '0' });
  }
  const numbers = [...everyOf(statement.node, 'ParamRef')].map((node) => whole(node, 'number') ?? 0);
  const most = Math.max(0, ...numbers);
  return Array.from({ length: most }, (_, index) => found.get(index + 1) ?? { from: 'type' });
}

type Note = (value: unknown, param: Param) => void;

const WRITERS = ['InsertStmt', 'UpdateStmt'] as const;

/** The statement itself, and those inside of it (WITH). */
function nodesThatWrite({ kind, node }: ParsedStatement): { kind: string; node: SqlNode }[] {
  const inside = WRITERS.flatMap((each) =>
    [...everyOf(node, each)].map((found) => ({ kind: each as string, node: found })),
  );
  return [{ kind, node }, ...inside];
}

function noteWritten(kind: string, node: SqlNode, note: Note): void {
  const table = nameOf(child(node, 'relation'));
  const written = (column: string): Param => ({ from: 'value', table, column });
  if (kind === 'UpdateStmt') noteTargets(node, written, note);
  if (kind !== 'InsertStmt') return;
  const columns = itemsOf(node, 'cols', 'ResTarget').map((target) => word(target, 'name'));
  const select = child(child(node, 'selectStmt'), 'SelectStmt');
  for (const row of itemsOf(select, 'valuesLists', 'List')) {
    const values = row['items'];
    if (!Array.isArray(values)) continue;
    for (const [index, value] of values.entries()) {
      const column = columns[index];
      if (column !== undefined) note(value, written(column));
    }
  }
  noteTargets(child(node, 'onConflictClause'), written, note);
}

function noteTargets(node: SqlNode, written: (column: string) => Param, note: Note): void {
  for (const target of itemsOf(node, 'targetList', 'ResTarget'))
    note(target['val'], written(word(target, 'name')));
}

const COMPARES: ReadonlySet<string> = new Set(['AEXPR_OP', 'AEXPR_IN', 'AEXPR_OP_ANY']);

function noteCompared(node: SqlNode, resolve: (reference: SqlNode) => Place | null, note: Note): void {
  const kind = word(node, 'kind');
  if (!COMPARES.has(kind)) return;
  const left = plainOf(node['lexpr']);
  const right = plainOf(node['rexpr']);
  const reference = left.kind === 'ColumnRef' ? left : right.kind === 'ColumnRef' ? right : null;
  const place = reference ? resolve(reference.node) : null;
  if (!place) return;
  const param: Param = { from: 'row', ...place, ...(kind === 'AEXPR_OP_ANY' ? { list: true } : {}) };
  const other = reference === left ? node['rexpr'] : node['lexpr'];
  const list = named(other);
  if (list.kind === 'List')
    for (const { kind: each, node: item } of items(list.node, 'items')) note({ [each]: item }, param);
  else note(other, param);
}

interface Place {
  readonly table: TableName;
  readonly column: string;
}

type Relations = ReadonlyMap<string, TableName>;

/** By alias, or by name where there is none. */
function relationsOf({ node }: ParsedStatement): Relations {
  const places = [child(node, 'relation'), ...everyOf(node, 'RangeVar')];
  return new Map(
    places
      .filter((place) => word(place, 'relname') !== '')
      .map((place) => {
        const alias = word(child(place, 'alias'), 'aliasname');
        return [alias === '' ? word(place, 'relname') : alias, nameOf(place)] as const;
      }),
  );
}

function columnIn(
  reference: SqlNode,
  relations: Relations,
  hasColumn: (table: TableName, column: string) => boolean,
): Place | null {
  const parts = words(reference, 'fields');
  const column = parts.at(-1);
  const alias = parts.at(-2);
  if (column === undefined) return null;
  const candidates = alias === undefined ? [...relations.values()] : [relations.get(alias)];
  const table = candidates.find((each) => each !== undefined && hasColumn(each, column));
  return table === undefined ? null : { table, column };
}

function nameOf(relation: SqlNode): TableName {
  const { schema, name } = tableOf(relation);
  return { schema: schema ?? 'public', name };
}

/** Without the casts around it. */
function plainOf(value: unknown): { readonly kind: string; readonly node: SqlNode } {
  let found = named(value);
  while (found.kind === 'TypeCast') found = named(found.node['arg']);
  return found;
}

function numberOf(value: unknown): number | null {
  const { kind, node } = plainOf(value);
  return kind === 'ParamRef' ? whole(node, 'number') : null;
}
