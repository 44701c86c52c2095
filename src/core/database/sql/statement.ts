/** One statement as rules see it. */
import { charsAt, type ParsedStatement, type SqlNode } from './parsed.ts';
import { child, itemsOf, type TableName, tableOf, whole, word } from './tree.ts';

export interface Statement extends ParsedStatement {
  /** What was parsed; locations in nodes are bytes of it. */
  readonly text: string;
  /** Where `text` begins in the file. */
  readonly base: number;
  /** Inside a DO or a function, where places are known by line only. */
  readonly inBody: boolean;
}

/** Where a node is in the file, or the beginning of the statement. */
export function placeOf(statement: Statement, node: SqlNode): number {
  const bytes = whole(node, 'location');
  if (bytes === null || bytes < 0 || statement.inBody) return statement.base + statement.start;
  return statement.base + charsAt(statement.text, bytes);
}

export interface Alteration {
  readonly table: TableName;
  readonly type: string;
  readonly command: SqlNode;
  /** The column or constraint that it names. */
  readonly name: string;
  /** The definition, without the name of its kind. */
  readonly column: SqlNode;
  readonly constraint: SqlNode;
}

/** The commands of an ALTER TABLE; of anything else none. */
export function alterationsOf({ kind, node }: ParsedStatement): readonly Alteration[] {
  if (kind !== 'AlterTableStmt' || word(node, 'objtype') !== 'OBJECT_TABLE') return [];
  const table = tableOf(child(node, 'relation'));
  return itemsOf(node, 'cmds', 'AlterTableCmd').map((command) => {
    const definition = child(command, 'def');
    const column = child(definition, 'ColumnDef');
    const constraint = child(definition, 'Constraint');
    const name = word(command, 'name') || word(column, 'colname') || word(constraint, 'conname');
    return { table, type: word(command, 'subtype'), command, name, column, constraint };
  });
}

export function columnConstraint(column: SqlNode, type: string): SqlNode | null {
  return itemsOf(column, 'constraints', 'Constraint').find((each) => word(each, 'contype') === type) ?? null;
}
