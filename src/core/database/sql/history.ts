/**
 * What earlier statements did, as far as it decides about later ones. It goes on from file to file, because a
 * constraint is added in one migration and validated in the next.
 */
import { alterationsOf } from './statement.ts';
import type { ParsedStatement, SqlNode } from './parsed.ts';
import {
  child,
  everyOf,
  items,
  itemsOf,
  keyOf,
  type TableName,
  tableOf,
  type TypeName,
  typeOf,
  word,
  words,
} from './tree.ts';

export class History {
  /** Columns of which a valid constraint says that they are not null, as `table.column`. */
  readonly #notNull = new Set<string>();
  /** The column that a CHECK (... IS NOT NULL) not yet validated is about, by constraint. */
  readonly #notNullChecks = new Map<string, string>();
  readonly #types = new Map<string, TypeName>();
  readonly #foreignKeys = new Set<string>();
  readonly #indexes = new Map<string, (readonly string[])[]>();
  readonly #indexTables = new Map<string, TableName>();

  isKnownNotNull(table: TableName, column: string): boolean {
    return this.#notNull.has(`${keyOf(table)}.${column}`);
  }

  typeOfColumn(table: TableName, column: string): TypeName | null {
    return this.#types.get(`${keyOf(table)}.${column}`) ?? null;
  }

  isForeignKey(table: TableName, constraint: string): boolean {
    return this.#foreignKeys.has(`${keyOf(table)}.${constraint}`);
  }

  /** Columns of each index and key of the table, in their order. */
  indexesOf(table: TableName): readonly (readonly string[])[] {
    return this.#indexes.get(keyOf(table)) ?? [];
  }

  tableOfIndex(index: TableName): TableName | null {
    return this.#indexTables.get(keyOf(index)) ?? null;
  }

  learn(statement: ParsedStatement): void {
    if (statement.kind === 'CreateStmt') this.#learnTable(statement.node);
    if (statement.kind === 'IndexStmt') this.#learnIndex(statement.node);
    for (const { table, type, name, column, constraint } of alterationsOf(statement)) {
      const key = `${keyOf(table)}.${name}`;
      if (type === 'AT_AddColumn') this.#learnColumn(table, column);
      if (type === 'AT_AlterColumnType') this.#types.set(key, typeOf(child(column, 'typeName')));
      if (type === 'AT_AddConstraint') this.#learnConstraint(table, constraint);
      if (type === 'AT_DropNotNull') this.#notNull.delete(key);
      const checked = type === 'AT_ValidateConstraint' ? this.#notNullChecks.get(key) : undefined;
      if (checked !== undefined) this.#notNull.add(checked);
    }
  }

  #learnTable(node: SqlNode): void {
    const table = tableOf(child(node, 'relation'));
    for (const { kind, node: element } of items(node, 'tableElts')) {
      if (kind === 'ColumnDef') this.#learnColumn(table, element);
      if (kind === 'Constraint') this.#learnConstraint(table, element);
    }
  }

  #learnColumn(table: TableName, column: SqlNode): void {
    const name = word(column, 'colname');
    this.#types.set(`${keyOf(table)}.${name}`, typeOf(child(column, 'typeName')));
    for (const constraint of itemsOf(column, 'constraints', 'Constraint'))
      this.#learnConstraint(table, constraint, name);
  }

  #learnConstraint(table: TableName, constraint: SqlNode, ownColumn?: string): void {
    const type = word(constraint, 'contype');
    const column = ownColumn ?? '';
    const suffix = { CONSTR_FOREIGN: 'fkey', CONSTR_CHECK: 'check' }[type] ?? 'key';
    const columns =
      ownColumn === undefined ? words(constraint, type === 'CONSTR_FOREIGN' ? 'fk_attrs' : 'keys') : [column];
    const name = word(constraint, 'conname') || [table.name, ...columns, suffix].join('_');
    if (type === 'CONSTR_FOREIGN') this.#foreignKeys.add(`${keyOf(table)}.${name}`);
    if (type === 'CONSTR_UNIQUE' || type === 'CONSTR_PRIMARY') this.#addIndex(table, columns);
    const checked = type === 'CONSTR_NOTNULL' ? (columns[0] ?? null) : columnCheckedNotNull(constraint);
    if (checked === null || checked === '') return;
    const key = `${keyOf(table)}.${checked}`;
    if (constraint['skip_validation'] === true) this.#notNullChecks.set(`${keyOf(table)}.${name}`, key);
    else this.#notNull.add(key);
  }

  #learnIndex(node: SqlNode): void {
    const table = tableOf(child(node, 'relation'));
    this.#addIndex(table, columnsOfIndex(node));
    const name = word(node, 'idxname');
    if (name !== '') this.#indexTables.set(keyOf({ schema: table.schema, name }), table);
  }

  #addIndex(table: TableName, columns: readonly string[]): void {
    const key = keyOf(table);
    this.#indexes.set(key, [...(this.#indexes.get(key) ?? []), columns]);
  }
}

/** An expression is an empty name. */
export function columnsOfIndex(node: SqlNode): readonly string[] {
  return itemsOf(node, 'indexParams', 'IndexElem').map((each) => word(each, 'name'));
}

/** The one column of `CHECK (column IS NOT NULL)`. */
export function columnCheckedNotNull(constraint: SqlNode): string | null {
  if (word(constraint, 'contype') !== 'CONSTR_CHECK') return null;
  const test = child(child(constraint, 'raw_expr'), 'NullTest');
  if (word(test, 'nulltesttype') !== 'IS_NOT_NULL') return null;
  const [column] = everyOf(test['arg'], 'ColumnRef');
  return column ? (words(column, 'fields').at(-1) ?? null) : null;
}
