/** What is true at a place in a file because of the statements before it: the transaction, settings, new tables. */
import type { History } from './history.ts';
import { isAtLeastLock, type Lock, locksOf } from './locks.ts';
import type { ParsedStatement, SqlNode } from './parsed.ts';
import type { KnownTable, Server } from './server.ts';
import { alterationsOf, type Statement } from './statement.ts';
import {
  child,
  flag,
  items,
  itemsOf,
  keyOf,
  named,
  type TableName,
  tableOf,
  tableOfParts,
  whole,
  word,
  words,
} from './tree.ts';

/** What a file is for, in a change folder of Segue: the executor keeps part of the rules by itself there. */
export type Phase = 'expand' | 'backfill' | 'contract' | 'revert';

export interface HeldLock extends Lock {
  /** Where the statement that took it is. */
  readonly at: number;
}

export interface Transaction {
  /** Begun by this file, and not by the tool that runs it or by a DO. */
  readonly explicit: boolean;
  readonly at: number;
  readonly held: HeldLock[];
  /** Constraints added as NOT VALID in it. */
  readonly notValid: Set<string>;
  readonly newEnumValues: Set<string>;
  /** Where the first change of an existing table is. */
  changedAt: number | null;
  /** What is said once per transaction was said. */
  readonly said: Set<string>;
}

type Setting = 'off' | 'local' | 'on';

export class FileState {
  readonly server: Server;
  readonly history: History;
  readonly phase: Phase | null;
  readonly #wrapped: boolean;
  readonly #created = new Set<string>();
  readonly #dropped = new Set<string>();
  /** Tables and views that were in use and got another name or schema. */
  readonly moved = new Set<Statement>();
  /** What is said once per file was said. */
  readonly said = new Set<string>();
  readonly #settings: Record<'lock_timeout' | 'statement_timeout', Setting>;
  #transaction: Transaction | null = null;

  constructor(server: Server, history: History, options: { phase: Phase | null; inTransaction: boolean }) {
    this.server = server;
    this.history = history;
    this.phase = options.phase;
    this.#wrapped = options.inTransaction;
    this.#settings = { lock_timeout: 'off', statement_timeout: 'off' };
    if (options.inTransaction) this.#transaction = begun(0, false);
  }

  /** The tool that runs the file puts it into one transaction. */
  get isWrapped(): boolean {
    return this.#wrapped;
  }

  get transaction(): Transaction | null {
    return this.#transaction;
  }

  /** Made by this file: it is empty, and nobody uses it yet. */
  isNew(table: TableName): boolean {
    return this.#created.has(keyOf(table));
  }

  wasDropped(table: TableName): boolean {
    return this.#dropped.has(keyOf(table));
  }

  hasTimeout(name: 'lock_timeout' | 'statement_timeout'): boolean {
    return this.#settings[name] !== 'off';
  }

  /** What the database knows of a table; nothing of one that this file made. */
  known(table: TableName): KnownTable | null {
    return this.isNew(table) ? null : this.server.table(table);
  }

  tableOfIndex(index: TableName): TableName | null {
    const known = this.server.tableOfIndex(index);
    // As the statement would have to write it.
    const told = known && { schema: index.schema === null ? null : known.schema, name: known.name };
    return this.history.tableOfIndex(index) ?? told;
  }

  /** A DO is one transaction. */
  inBody<T>(at: number, run: () => T): T {
    const outside = this.#transaction;
    this.#transaction ??= begun(at, false);
    try {
      return run();
    } finally {
      this.#transaction = outside;
    }
  }

  advance(statement: Statement): void {
    const { kind, node } = statement;
    if (kind === 'TransactionStmt') this.#turn(node, statement.base + statement.start);
    if (kind === 'VariableSetStmt') this.#set(node);
    if (kind === 'SelectStmt') this.#setByFunction(node);
    if (this.#transaction) this.#remember(this.#transaction, statement);
    this.#makeAndDrop(statement);
    this.history.learn(statement);
  }

  #turn(node: SqlNode, at: number): void {
    const kind = word(node, 'kind');
    if (kind === 'TRANS_STMT_BEGIN' || kind === 'TRANS_STMT_START') this.#transaction ??= begun(at, true);
    if (!/^TRANS_STMT_(?:COMMIT|ROLLBACK|PREPARE)$/.test(kind)) return;
    this.#transaction = flag(node, 'chain') ? begun(at, true) : null;
    for (const name of ['lock_timeout', 'statement_timeout'] as const)
      if (this.#settings[name] === 'local') this.#settings[name] = 'off';
  }

  #set(node: SqlNode): void {
    const kind = word(node, 'kind');
    if (kind === 'VAR_RESET_ALL') {
      this.#settings.lock_timeout = 'off';
      this.#settings.statement_timeout = 'off';
      return;
    }
    const [value] = itemsOf(node, 'args', 'A_Const');
    const isSet = kind === 'VAR_SET_VALUE' && value !== undefined && !isZero(value);
    this.#setTimeout(word(node, 'name'), isSet, flag(node, 'is_local'));
  }

  /** SELECT set_config('lock_timeout', '2s', false). */
  #setByFunction(node: SqlNode): void {
    for (const target of itemsOf(node, 'targetList', 'ResTarget')) {
      const call = named(target['val']);
      if (call.kind !== 'FuncCall' || words(call.node, 'funcname').at(-1) !== 'set_config') continue;
      const [name, value, local] = itemsOf(call.node, 'args', 'A_Const');
      if (name && value)
        this.#setTimeout(stringOf(name), !isZero(value), flag(child(local ?? {}, 'boolval'), 'boolval'));
    }
  }

  #setTimeout(name: string, isSet: boolean, isLocal: boolean): void {
    const lower = name.toLowerCase();
    if (lower !== 'lock_timeout' && lower !== 'statement_timeout') return;
    // SET LOCAL outside of a transaction does nothing.
    if (isLocal && !this.#transaction) return;
    if (!isSet) this.#settings[lower] = 'off';
    else this.#settings[lower] = isLocal && !this.#wrapped ? 'local' : 'on';
  }

  #remember(transaction: Transaction, statement: Statement): void {
    const at = statement.base + statement.start;
    for (const lock of locksOf(statement)) {
      if (this.isNew(lock.table)) continue;
      transaction.held.push({ ...lock, at });
      if (isAtLeastLock(lock.mode, 'SHARE UPDATE EXCLUSIVE')) transaction.changedAt ??= at;
    }
    for (const { table, type, name, constraint } of alterationsOf(statement))
      if (type === 'AT_AddConstraint' && flag(constraint, 'skip_validation'))
        transaction.notValid.add(`${keyOf(table)}.${name}`);
    if (statement.kind === 'AlterEnumStmt' && word(statement.node, 'oldVal') === '')
      transaction.newEnumValues.add(word(statement.node, 'newVal'));
  }

  #makeAndDrop({ kind, node }: ParsedStatement): void {
    const made = madeBy({ kind, node });
    if (made) this.#created.add(keyOf(tableOf(made)));
    if (kind === 'RenameStmt' && word(node, 'renameType') === 'OBJECT_TABLE') {
      const table = tableOf(child(node, 'relation'));
      if (this.isNew(table)) this.#created.add(keyOf({ schema: table.schema, name: word(node, 'newname') }));
    }
    if (kind !== 'DropStmt' || word(node, 'removeType') !== 'OBJECT_TABLE') return;
    for (const each of items(node, 'objects')) {
      const table = tableOfParts(words(each.node, 'items'));
      if (!this.isNew(table)) this.#dropped.add(keyOf(table));
      this.#created.delete(keyOf(table));
    }
  }
}

/** The relation that a statement makes. */
function madeBy({ kind, node }: Pick<ParsedStatement, 'kind' | 'node'>): SqlNode | null {
  switch (kind) {
    case 'CreateStmt':
      return child(node, 'relation');
    case 'CreateForeignTableStmt':
      return child(child(node, 'base'), 'relation');
    case 'CreateTableAsStmt':
      return child(child(node, 'into'), 'rel');
    case 'CreateSeqStmt':
      return child(node, 'sequence');
    case 'ViewStmt':
      return flag(node, 'replace') ? null : child(node, 'view');
    case 'SelectStmt':
      return 'intoClause' in node ? child(child(node, 'intoClause'), 'rel') : null;
    default:
      return null;
  }
}

function begun(at: number, explicit: boolean): Transaction {
  return {
    explicit,
    at,
    held: [],
    notValid: new Set(),
    newEnumValues: new Set(),
    changedAt: null,
    said: new Set(),
  };
}

function stringOf(constant: SqlNode): string {
  return word(child(constant, 'sval'), 'sval');
}

function isZero(constant: SqlNode): boolean {
  if ('ival' in constant) return (whole(child(constant, 'ival'), 'ival') ?? 0) === 0;
  return /^\s*0+\s*(?:ms|s|min|h|d|us)?\s*$/.test(stringOf(constant));
}
