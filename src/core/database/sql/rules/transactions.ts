/** Rules on several statements together: transactions, timeouts, data changed beside the schema. */
import type { FileState } from '../file-state.ts';
import { type HeldLock } from '../file-state.ts';
import { blockedBy, isAtLeastLock, locksOf } from '../locks.ts';
import { alterationsOf, type Statement } from '../statement.ts';
import { child, everyOf, flag, keyOf, showTable, type TableName, tableOf, word } from '../tree.ts';
import { type Hit, hitsOf, type Rules } from './rule.ts';

export const TRANSACTION_RULES = {
  'no-lock-timeout': {
    severity: 'warning',
    lock: null,
    what: 'A statement that waits for its lock makes everybody behind it wait, without an end unless lock_timeout is set.',
    safe: "SET lock_timeout = '2s' at the top, and try again when it fails.",
    quietIn: ['expand', 'backfill', 'contract', 'revert'],
  },
  'no-statement-timeout': {
    severity: 'advice',
    lock: null,
    what: 'Without statement_timeout, a statement that takes longer than thought holds its locks for as long.',
    safe: "SET statement_timeout = '30s' at the top.",
    quietIn: ['expand', 'backfill', 'contract', 'revert'],
  },
  'statements-after-exclusive-lock': {
    severity: 'error',
    lock: null,
    what: 'A lock is held until COMMIT: slow work after it in the same transaction blocks for as long as that work takes.',
    safe: 'COMMIT in between, or the statement that locks last.',
  },
  'alter-table-repeated': {
    severity: 'advice',
    lock: null,
    what: 'Each ALTER TABLE waits for the lock anew.',
    safe: 'One ALTER TABLE with several commands.',
  },
  'data-in-schema-change': {
    severity: 'warning',
    lock: null,
    what: 'Rows changed in the transaction that changes the schema stay locked until COMMIT, and so does the table.',
    safe: 'The data in a migration of its own, in batches (backfill.sql).',
  },
  'update-whole-table': {
    severity: 'warning',
    lock: null,
    what: 'UPDATE or DELETE without WHERE locks every row until COMMIT, and doubles the table or leaves it full of dead rows.',
    safe: 'Batches by key, each its own transaction.',
  },
  'nested-transaction': {
    severity: 'warning',
    lock: null,
    what: 'BEGIN in a transaction does nothing but warn, and the first COMMIT ends everything before it.',
    safe: 'One BEGIN and one COMMIT, or SAVEPOINT.',
  },
  'uncommitted-transaction': {
    severity: 'error',
    lock: null,
    what: 'A transaction without COMMIT at the end of the file is rolled back, or stays open with its locks.',
    safe: 'COMMIT.',
  },
} as const satisfies Rules;

const hit = hitsOf(TRANSACTION_RULES);

export function* checkTransactions(statement: Statement, state: FileState): Generator<Hit> {
  yield* timeouts(statement, state);
  yield* nested(statement, state);
  yield* dataChanged(statement, state);
  yield* afterLock(statement, state);
}

function* timeouts(statement: Statement, state: FileState): Generator<Hit> {
  const lock = locksOf(statement).find(
    ({ table, mode }) => isAtLeastLock(mode, 'SHARE') && !state.isNew(table),
  );
  if (!lock) return;
  const of = statement.kind === 'DropStmt' ? (state.tableOfIndex(lock.table) ?? lock.table) : lock.table;
  if (!state.hasTimeout('lock_timeout') && !state.said.has('lock_timeout')) {
    state.said.add('lock_timeout');
    yield hit(
      'no-lock-timeout',
      statement,
      `While this waits for ${lock.mode} on ${showTable(of)}, everything that comes after it there waits, too, without limit.`,
      ["SET lock_timeout = '2s';   -- and try again when it fails"],
    );
  }
  if (!state.hasTimeout('statement_timeout') && !state.said.has('statement_timeout')) {
    state.said.add('statement_timeout');
    yield hit(
      'no-statement-timeout',
      statement,
      `Nothing ends this when it holds ${lock.mode} on ${showTable(of)} for longer than you thought.`,
      ["SET statement_timeout = '30s';"],
    );
  }
}

function* nested({ kind, node, ...rest }: Statement, state: FileState): Generator<Hit> {
  const statement = { kind, node, ...rest };
  if (kind !== 'TransactionStmt' || !/^TRANS_STMT_(?:BEGIN|START)$/.test(word(node, 'kind'))) return;
  if (state.transaction)
    yield hit(
      'nested-transaction',
      statement,
      'There is a transaction already: BEGIN does nothing, and the next COMMIT ends the outer one.',
      ['one BEGIN and one COMMIT, or SAVEPOINT'],
    );
}

/** The table whose rows it changes. */
function changedTable({ kind, node }: Statement): TableName | null {
  if (kind !== 'UpdateStmt' && kind !== 'DeleteStmt' && kind !== 'InsertStmt' && kind !== 'MergeStmt')
    return null;
  return tableOf(child(node, 'relation'));
}

function* dataChanged(statement: Statement, state: FileState): Generator<Hit> {
  const table = changedTable(statement);
  if (!table || state.isNew(table)) return;
  const { kind, node } = statement;
  const isWhole = (kind === 'UpdateStmt' || kind === 'DeleteStmt') && !('whereClause' in node);
  const verb = kind.replace('Stmt', '').toUpperCase();
  if (isWhole && state.phase !== 'backfill')
    yield hit(
      'update-whole-table',
      statement,
      `${verb} of every row of ${showTable(table)}: all stay locked until COMMIT, and each leaves a dead one behind.`,
      [`${verb} ... WHERE id > ... AND id <= ...;   -- in batches, each its own transaction`],
    );
  const { transaction } = state;
  // A few rows written by name are no backfill.
  if (!transaction || transaction.changedAt === null || isPlainInsert(statement)) return;
  if (transaction.said.has('data')) return;
  transaction.said.add('data');
  // The stronger word is said by the other rule.
  if (exclusiveOf(transaction.held)) return;
  yield hit(
    'data-in-schema-change',
    statement,
    `The rows of ${showTable(table)} that this changes stay locked until COMMIT, with everything that the schema change locked.`,
    ['move it to a migration of its own, in batches (backfill.sql)'],
  );
}

function isPlainInsert({ kind, node }: Statement): boolean {
  return kind === 'InsertStmt' && 'valuesLists' in child(child(node, 'selectStmt'), 'SelectStmt');
}

function exclusiveOf(held: readonly HeldLock[]): HeldLock | undefined {
  return held.find((lock) => lock.mode === 'ACCESS EXCLUSIVE');
}

function* afterLock(statement: Statement, state: FileState): Generator<Hit> {
  const { transaction } = state;
  const held = transaction ? exclusiveOf(transaction.held) : undefined;
  if (!transaction || !held || transaction.said.has('after') || !isSlow(statement, state)) return;
  transaction.said.add('after');
  yield hit(
    'statements-after-exclusive-lock',
    statement,
    `The transaction holds ${held.mode} on ${showTable(held.table)}: ${blockedBy(held.mode)} until this has ended and COMMIT is reached.`,
    ['COMMIT before it, or put the statement that locks last'],
  );
}

/** What takes its time, and is not said by a rule of its own. */
function isSlow(statement: Statement, state: FileState): boolean {
  const { kind, node } = statement;
  const table = changedTable(statement);
  if (table) return !state.isNew(table) && !isPlainInsert(statement);
  if (kind === 'SelectStmt')
    return [...everyOf(node, 'RangeVar')].some((each) => !state.isNew(tableOf(each)));
  if (kind === 'CopyStmt') return !state.isNew(tableOf(child(node, 'relation')));
  if (kind === 'CreateTableAsStmt') return !flag(child(node, 'into'), 'skipData');
  return kind === 'IndexStmt' && !state.isNew(tableOf(child(node, 'relation')));
}

export function* checkEndOfFile(statements: readonly Statement[], state: FileState): Generator<Hit> {
  const [first] = statements;
  const begin = statements.findLast(
    ({ kind, node, base, start }) =>
      kind === 'TransactionStmt' &&
      state.transaction?.explicit === true &&
      base + start === state.transaction.at &&
      word(node, 'kind') !== '',
  );
  if (first && begin)
    yield hit(
      'uncommitted-transaction',
      begin,
      'The file ends without COMMIT: what it did is rolled back, or stays open with its locks.',
      ['COMMIT;'],
    );
  yield* repeated(statements, state);
}

/** One after the other, on one table, with nothing in between, and none that must be alone. */
function* repeated(statements: readonly Statement[], state: FileState): Generator<Hit> {
  const said = new Set<string>();
  let last = '';
  for (const statement of statements) {
    const [first] = alterationsOf(statement);
    const key =
      first && alterationsOf(statement).every(({ type }) => CAN_JOIN.has(type)) ? keyOf(first.table) : '';
    if (first && key !== '' && key === last && !said.has(key) && !state.isNew(first.table)) {
      said.add(key);
      yield hit(
        'alter-table-repeated',
        statement,
        `${showTable(first.table)} is locked again: the ALTER TABLE before could do this as well.`,
        [`ALTER TABLE ${showTable(first.table)} ..., ...;`],
      );
    }
    last = key;
  }
}

const CAN_JOIN: ReadonlySet<string> = new Set([
  'AT_AddColumn',
  'AT_DropColumn',
  'AT_ColumnDefault',
  'AT_DropNotNull',
  'AT_SetNotNull',
  'AT_DropConstraint',
  'AT_AlterColumnType',
]);
