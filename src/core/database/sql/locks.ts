/**
 * Which locks a statement takes on which tables, as PostgreSQL's source has it (AlterTableGetLockLevel and its
 * like). Tests run the statements on a real server and compare with pg_locks.
 */
import type { ParsedStatement, SqlNode } from './parsed.ts';
import {
  child,
  flag,
  items,
  itemsOf,
  optionIsOn,
  type TableName,
  tableOf,
  tableOfParts,
  whole,
  word,
  words,
} from './tree.ts';

/** From the weakest to the strongest. */
export const LOCK_MODES = [
  'ACCESS SHARE',
  'ROW SHARE',
  'ROW EXCLUSIVE',
  'SHARE UPDATE EXCLUSIVE',
  'SHARE',
  'SHARE ROW EXCLUSIVE',
  'EXCLUSIVE',
  'ACCESS EXCLUSIVE',
] as const;

export type LockMode = (typeof LOCK_MODES)[number];

export interface Lock {
  readonly table: TableName;
  readonly mode: LockMode;
}

export function isAtLeastLock(mode: LockMode, least: LockMode): boolean {
  return LOCK_MODES.indexOf(mode) >= LOCK_MODES.indexOf(least);
}

/** What others cannot do meanwhile. */
export function blockedBy(mode: LockMode): string {
  if (mode === 'ACCESS EXCLUSIVE') return 'nobody reads or writes it';
  return isAtLeastLock(mode, 'SHARE') ? 'nobody writes to it' : 'reads and writes go on';
}

/** An index is named where DROP INDEX and REINDEX INDEX name no table. */
export function locksOf({ kind, node }: ParsedStatement): readonly Lock[] {
  return LOCKS[kind]?.(node) ?? [];
}

const one = (node: SqlNode, mode: LockMode): Lock[] =>
  word(node, 'relname') === '' ? [] : [{ table: tableOf(node), mode }];

const many = (node: SqlNode, list: string, mode: LockMode): Lock[] =>
  itemsOf(node, list, 'RangeVar').flatMap((each) => one(each, mode));

const LOCKS: Readonly<Record<string, (node: SqlNode) => readonly Lock[]>> = {
  AlterTableStmt: alterTable,
  IndexStmt: (node) =>
    one(child(node, 'relation'), flag(node, 'concurrent') ? 'SHARE UPDATE EXCLUSIVE' : 'SHARE'),
  DropStmt: drop,
  TruncateStmt: (node) => many(node, 'relations', 'ACCESS EXCLUSIVE'),
  RenameStmt: rename,
  AlterObjectSchemaStmt: (node) => one(child(node, 'relation'), 'ACCESS EXCLUSIVE'),
  ReindexStmt: reindex,
  VacuumStmt: (node) =>
    itemsOf(node, 'rels', 'VacuumRelation').flatMap((each) =>
      one(
        child(each, 'relation'),
        optionIsOn(node, 'options', 'full') ? 'ACCESS EXCLUSIVE' : 'SHARE UPDATE EXCLUSIVE',
      ),
    ),
  ClusterStmt: (node) => one(child(node, 'relation'), 'ACCESS EXCLUSIVE'),
  RefreshMatViewStmt: (node) =>
    one(child(node, 'relation'), flag(node, 'concurrent') ? 'EXCLUSIVE' : 'ACCESS EXCLUSIVE'),
  LockStmt: (node) =>
    many(node, 'relations', LOCK_MODES[(whole(node, 'mode') ?? 8) - 1] ?? 'ACCESS EXCLUSIVE'),
  CreateTrigStmt: (node) => one(child(node, 'relation'), 'SHARE ROW EXCLUSIVE'),
  RuleStmt: (node) => one(child(node, 'relation'), 'ACCESS EXCLUSIVE'),
  CreatePolicyStmt: (node) => one(child(node, 'table'), 'ACCESS EXCLUSIVE'),
  AlterPolicyStmt: (node) => one(child(node, 'table'), 'ACCESS EXCLUSIVE'),
  CreateStmt: createTable,
  UpdateStmt: (node) => one(child(node, 'relation'), 'ROW EXCLUSIVE'),
  DeleteStmt: (node) => one(child(node, 'relation'), 'ROW EXCLUSIVE'),
  InsertStmt: (node) => one(child(node, 'relation'), 'ROW EXCLUSIVE'),
  MergeStmt: (node) => one(child(node, 'relation'), 'ROW EXCLUSIVE'),
  CopyStmt: (node) => one(child(node, 'relation'), flag(node, 'is_from') ? 'ROW EXCLUSIVE' : 'ACCESS SHARE'),
};

/** A statement takes the strongest lock that one of its commands needs, once, at its beginning. */
function alterTable(node: SqlNode): readonly Lock[] {
  const table = child(node, 'relation');
  if (word(node, 'objtype') !== 'OBJECT_TABLE') return [];
  const commands = itemsOf(node, 'cmds', 'AlterTableCmd');
  const modes = commands.map(lockOfCommand);
  const strongest = LOCK_MODES.findLast((mode) => modes.includes(mode)) ?? 'ACCESS EXCLUSIVE';
  const referenced = commands.flatMap((command) =>
    foreignKeysIn(command).flatMap((key) => one(child(key, 'pktable'), 'SHARE ROW EXCLUSIVE')),
  );
  const partitions = commands.flatMap(partitionOf);
  return [...one(table, strongest), ...referenced, ...partitions];
}

const SHARE_UPDATE_EXCLUSIVE: ReadonlySet<string> = new Set([
  'AT_SetStatistics',
  'AT_SetOptions',
  'AT_ResetOptions',
  'AT_ClusterOn',
  'AT_DropCluster',
  'AT_SetRelOptions',
  'AT_ResetRelOptions',
  'AT_ValidateConstraint',
  'AT_AttachPartition',
]);

function lockOfCommand(command: SqlNode): LockMode {
  const subtype = word(command, 'subtype');
  if (SHARE_UPDATE_EXCLUSIVE.has(subtype)) return 'SHARE UPDATE EXCLUSIVE';
  if (subtype === 'AT_DetachPartition')
    return isConcurrent(command) ? 'SHARE UPDATE EXCLUSIVE' : 'ACCESS EXCLUSIVE';
  if (/^AT_(?:Enable|Disable)(?:Always|Replica)?Trig/.test(subtype)) return 'SHARE ROW EXCLUSIVE';
  const isForeignKey = word(child(child(command, 'def'), 'Constraint'), 'contype') === 'CONSTR_FOREIGN';
  return subtype === 'AT_AddConstraint' && isForeignKey ? 'SHARE ROW EXCLUSIVE' : 'ACCESS EXCLUSIVE';
}

export function isConcurrent(command: SqlNode): boolean {
  return flag(child(child(command, 'def'), 'PartitionCmd'), 'concurrent');
}

function partitionOf(command: SqlNode): readonly Lock[] {
  const partition = child(child(child(command, 'def'), 'PartitionCmd'), 'name');
  const isDetach = word(command, 'subtype') === 'AT_DetachPartition';
  return one(partition, isDetach && isConcurrent(command) ? 'SHARE UPDATE EXCLUSIVE' : 'ACCESS EXCLUSIVE');
}

/** Of ADD CONSTRAINT and of ADD COLUMN ... REFERENCES. */
export function foreignKeysIn(command: SqlNode): readonly SqlNode[] {
  const definition = child(command, 'def');
  const alone = child(definition, 'Constraint');
  const own = itemsOf(child(definition, 'ColumnDef'), 'constraints', 'Constraint');
  return [alone, ...own].filter((each) => word(each, 'contype') === 'CONSTR_FOREIGN');
}

const TABLE_LIKE: ReadonlySet<string> = new Set([
  'OBJECT_TABLE',
  'OBJECT_MATVIEW',
  'OBJECT_VIEW',
  'OBJECT_FOREIGN_TABLE',
]);

function drop(node: SqlNode): readonly Lock[] {
  const type = word(node, 'removeType');
  const names = items(node, 'objects').map((each) => words(each.node, 'items'));
  if (TABLE_LIKE.has(type))
    return names.map((parts) => ({ table: tableOfParts(parts), mode: 'ACCESS EXCLUSIVE' }));
  if (type === 'OBJECT_INDEX')
    return names.map((parts) => ({
      table: tableOfParts(parts),
      mode: flag(node, 'concurrent') ? 'SHARE UPDATE EXCLUSIVE' : 'ACCESS EXCLUSIVE',
    }));
  // The last word is the name of what is on the table.
  if (type === 'OBJECT_TRIGGER' || type === 'OBJECT_RULE' || type === 'OBJECT_POLICY')
    return names.map((parts) => ({ table: tableOfParts(parts.slice(0, -1)), mode: 'ACCESS EXCLUSIVE' }));
  return [];
}

/** Of REINDEX INDEX the index: its table is locked as by REINDEX TABLE, in SHARE. */
function reindex(node: SqlNode): readonly Lock[] {
  const isIndex = word(node, 'kind') === 'REINDEX_OBJECT_INDEX';
  const blocking: LockMode = isIndex ? 'ACCESS EXCLUSIVE' : 'SHARE';
  const lets = optionIsOn(node, 'params', 'concurrently');
  return one(child(node, 'relation'), lets ? 'SHARE UPDATE EXCLUSIVE' : blocking);
}

function rename(node: SqlNode): readonly Lock[] {
  const isIndex = word(node, 'renameType') === 'OBJECT_INDEX';
  return one(child(node, 'relation'), isIndex ? 'SHARE UPDATE EXCLUSIVE' : 'ACCESS EXCLUSIVE');
}

/** A new table locks what it refers to, and the table that it becomes a part of. */
function createTable(node: SqlNode): readonly Lock[] {
  const elements = items(node, 'tableElts');
  const constraints = elements.flatMap((each) =>
    each.kind === 'Constraint' ? [each.node] : itemsOf(each.node, 'constraints', 'Constraint'),
  );
  const isPartition = Object.keys(child(node, 'partbound')).length > 0;
  return [
    ...constraints
      .filter((each) => word(each, 'contype') === 'CONSTR_FOREIGN')
      .flatMap((each) => one(child(each, 'pktable'), 'SHARE ROW EXCLUSIVE')),
    ...(isPartition ? many(node, 'inhRelations', 'ACCESS EXCLUSIVE') : []),
  ];
}
