/** Rules on whole tables, schemas and databases, and on commands that write a table anew. */
import type { FileState } from '../file-state.ts';
import { howLong, type KnownTable } from '../server.ts';
import { alterationsOf, type Statement } from '../statement.ts';
import {
  child,
  flag,
  items,
  itemsOf,
  keyOf,
  optionIsOn,
  quoteName,
  showTable,
  type TableName,
  tableOf,
  tableOfParts,
  word,
  words,
} from '../tree.ts';
import { type Hit, hitsOf, type Rules } from './rule.ts';

export const TABLE_RULES = {
  'rename-table': {
    severity: 'error',
    lock: null,
    what: 'The version that uses the old name fails at once. The same goes for views.',
    safe: 'Rename it and create a view with the old name in one transaction; drop the view in the contract step.',
    quietIn: ['contract', 'revert'],
  },
  'rename-schema': {
    severity: 'error',
    lock: null,
    what: 'Every name in the schema changes: the version that uses the old ones fails at once.',
    safe: 'A new schema, with views for the old names, and both until the old version is gone.',
    quietIn: ['contract', 'revert'],
  },
  'move-table': {
    severity: 'error',
    lock: null,
    what: 'SET SCHEMA moves the table out of the sight of the version that looks for it in the old schema.',
    safe: 'A view with the old name, made in the same transaction.',
    quietIn: ['contract', 'revert'],
  },
  'drop-table': {
    severity: 'error',
    lock: null,
    what: 'The version that still uses the table fails at once, and its rows are gone.',
    safe: 'Release code that does not use it; drop it in the contract step.',
    quietIn: ['contract', 'revert'],
  },
  'drop-schema': {
    severity: 'error',
    lock: null,
    what: 'Everything in the schema is gone at once.',
    safe: 'Drop what nobody uses by name, in the contract step.',
    quietIn: ['contract', 'revert'],
  },
  'drop-database': {
    severity: 'error',
    lock: null,
    what: 'Everything is gone, and no transaction brings it back.',
    safe: 'By hand, with a backup at hand, never in a migration.',
  },
  truncate: {
    severity: 'error',
    lock: 'ACCESS EXCLUSIVE',
    what: 'All rows are gone, with CASCADE those of every table that refers to it.',
    safe: 'DELETE in batches what is not wanted; never CASCADE.',
    quietIn: ['contract', 'revert'],
  },
  'recreate-table': {
    severity: 'error',
    lock: null,
    what: 'A table that is dropped and created again has lost its rows, its rights and what refers to it.',
    safe: 'ALTER TABLE, or a new table under another name.',
  },
  'vacuum-full': {
    severity: 'error',
    lock: 'ACCESS EXCLUSIVE',
    what: 'VACUUM FULL writes the table anew.',
    safe: 'Plain VACUUM; pg_repack where space has to come back.',
  },
  cluster: {
    severity: 'error',
    lock: 'ACCESS EXCLUSIVE',
    what: 'CLUSTER writes the table anew.',
    safe: 'pg_repack with an order.',
  },
  'rewrite-table': {
    severity: 'error',
    lock: 'ACCESS EXCLUSIVE',
    what: 'SET LOGGED, SET UNLOGGED, SET ACCESS METHOD and SET TABLESPACE write the table anew.',
    safe: 'A new table that has it from the beginning, filled and kept in step by a trigger.',
  },
  'refresh-blocking': {
    severity: 'error',
    lock: 'ACCESS EXCLUSIVE',
    what: 'REFRESH MATERIALIZED VIEW lets nobody read the view until its query has ended.',
    safe: 'REFRESH MATERIALIZED VIEW CONCURRENTLY, with a unique index on the view.',
  },
  'lock-table': {
    severity: 'warning',
    lock: 'ACCESS EXCLUSIVE',
    what: 'LOCK TABLE holds everybody up until the end of the transaction.',
    safe: 'Leave locks to the statements that need them, or take the weakest mode that does.',
  },
} as const satisfies Rules;

const hit = hitsOf(TABLE_RULES);

const LEAVE_OLD_CODE =
  'release code that does not use it; drop it in contract.sql, after the old version is gone';

export function* checkTables(statement: Statement, state: FileState): Generator<Hit> {
  const { kind, node } = statement;
  const relation = tableOf(child(node, 'relation'));
  // Judged when the whole file was read: later its name may belong to something new.
  if (isMove(statement) && !state.isNew(relation)) state.moved.add(statement);
  switch (kind) {
    case 'RenameStmt':
      yield* renamed(statement);
      return;
    case 'DropStmt':
      yield* dropped(statement, state);
      return;
    case 'DropdbStmt':
      yield hit(
        'drop-database',
        statement,
        `Everything in ${quoteName(word(node, 'dbname'))} is gone, and no transaction brings it back.`,
        ['do it by hand, with a backup at hand'],
      );
      return;
    case 'TruncateStmt':
      yield* truncated(statement, state);
      return;
    case 'CreateStmt':
      if (state.wasDropped(relation))
        yield hit(
          'recreate-table',
          statement,
          `${showTable(relation)} was dropped above: its rows, its rights and the keys that refer to it are lost.`,
          ['ALTER TABLE, or a new table under another name'],
        );
      return;
    case 'LockStmt':
      yield* locked(statement, state);
      return;
    default:
      yield* rewritten(statement, state, relation);
  }
}

function isMove({ kind, node }: Statement): boolean {
  if (kind === 'AlterObjectSchemaStmt') return RELATION.test(word(node, 'objectType'));
  return kind === 'RenameStmt' && RELATION.test(word(node, 'renameType'));
}

function* renamed(statement: Statement): Generator<Hit> {
  const { node } = statement;
  if (word(node, 'renameType') !== 'OBJECT_SCHEMA') return;
  const [from, to] = [quoteName(word(node, 'subname')), quoteName(word(node, 'newname'))];
  yield hit(
    'rename-schema',
    statement,
    `Every name in ${from} changes: the version that uses it fails at once.`,
    [`CREATE SCHEMA ${to}, and in one of the two views on the other, until the old version is gone`],
  );
}

const RELATION = /^OBJECT_(?:TABLE|VIEW|MATVIEW)$/;

/** Of the whole file, because a view with the old name makes it safe, in the same transaction. */
export function* checkMoves(statements: readonly Statement[], state: FileState): Generator<Hit> {
  let isTogether = state.isWrapped;
  for (const [i, statement] of statements.entries()) {
    const { kind, node } = statement;
    if (kind === 'TransactionStmt')
      isTogether = /^TRANS_STMT_(?:BEGIN|START)$/.test(word(node, 'kind')) || state.isWrapped;
    if (!state.moved.has(statement)) continue;
    const table = tableOf(child(node, 'relation'));
    if ((isTogether || statement.inBody) && hasViewFor(table, statements.slice(i + 1))) continue;
    yield kind === 'RenameStmt' ? renamedTable(statement, table) : moved(statement, table);
  }
}

/** Before the transaction ends. */
function hasViewFor(table: TableName, following: readonly Statement[]): boolean {
  for (const { kind, node } of following) {
    if (kind === 'TransactionStmt') return false;
    if (kind === 'ViewStmt' && keyOf(tableOf(child(node, 'view'))) === keyOf(table)) return true;
  }
  return false;
}

function moved(statement: Statement, table: TableName): Hit {
  const to = { schema: word(statement.node, 'newschema'), name: table.name };
  const message = `The version that looks for ${showTable(table)} in its old schema fails at once.`;
  const view = `CREATE VIEW ${showTable(table)} AS SELECT * FROM ${showTable(to)};`;
  return hit('move-table', statement, message, [`${view}   -- in the same transaction`]);
}

function renamedTable(statement: Statement, table: TableName): Hit {
  const { node } = statement;
  const to = { schema: table.schema, name: word(node, 'newname') };
  const what = word(node, 'renameType') === 'OBJECT_TABLE' ? 'TABLE' : 'VIEW';
  return hit('rename-table', statement, `The version that uses ${showTable(table)} fails at once.`, [
    'BEGIN;',
    `ALTER ${what} ${showTable(table)} RENAME TO ${quoteName(to.name)};`,
    `CREATE VIEW ${showTable(table)} AS SELECT * FROM ${showTable(to)};   -- dropped when nobody uses it`,
    'COMMIT;',
  ]);
}

function* dropped(statement: Statement, state: FileState): Generator<Hit> {
  const { node } = statement;
  const type = word(node, 'removeType');
  const cascades = word(node, 'behavior') === 'DROP_CASCADE';
  if (type === 'OBJECT_SCHEMA')
    for (const { node: name } of items(node, 'objects'))
      yield hit(
        'drop-schema',
        statement,
        `${cascades ? 'Everything in' : 'The schema'} ${quoteName(word(name, 'sval'))} is gone, and the version that uses it fails at once.`,
        [LEAVE_OLD_CODE],
      );
  if (type !== 'OBJECT_TABLE') return;
  for (const each of items(node, 'objects')) {
    const table = tableOfParts(words(each.node, 'items'));
    if (state.isNew(table)) continue;
    const also = cascades ? ', with the keys and views that refer to it' : '';
    yield hit(
      'drop-table',
      statement,
      `The version that still uses ${showTable(table)} fails at once, and its rows are gone${also}.`,
      [LEAVE_OLD_CODE],
    );
  }
}

function* truncated(statement: Statement, state: FileState): Generator<Hit> {
  const { node } = statement;
  const tables = itemsOf(node, 'relations', 'RangeVar')
    .map(tableOf)
    .filter((table) => !state.isNew(table));
  if (tables.length === 0) return;
  const cascades = word(node, 'behavior') === 'DROP_CASCADE';
  const also = cascades ? ', and those of every table that refers to it' : '';
  yield hit(
    'truncate',
    statement,
    `All rows of ${tables.map(showTable).join(', ')} are gone${also}; ACCESS EXCLUSIVE is held until the transaction ends.`,
    ['DELETE in batches what is not wanted'],
  );
}

function* locked(statement: Statement, state: FileState): Generator<Hit> {
  const { node } = statement;
  const tables = itemsOf(node, 'relations', 'RangeVar')
    .map(tableOf)
    .filter((table) => !state.isNew(table));
  // ROW EXCLUSIVE and weaker is what every statement takes.
  if (tables.length === 0 || Number(node['mode']) < 4) return;
  yield hit(
    'lock-table',
    statement,
    `${tables.map(showTable).join(', ')}: held until the transaction ends, and everything that conflicts waits.`,
    ['leave the lock to the statement that needs it, or take a weaker mode'],
  );
}

const REWRITING: Readonly<Record<string, string>> = {
  AT_SetLogged: 'SET LOGGED',
  AT_SetUnLogged: 'SET UNLOGGED',
  AT_SetAccessMethod: 'SET ACCESS METHOD',
  AT_SetTableSpace: 'SET TABLESPACE',
};

function* rewritten(statement: Statement, state: FileState, relation: TableName): Generator<Hit> {
  const { kind, node } = statement;
  for (const { table, type } of alterationsOf(statement)) {
    const what = REWRITING[type];
    if (what !== undefined && !state.isNew(table))
      yield rewrite('rewrite-table', statement, what, { table, known: state.known(table) }, [
        'make a new table that has it, fill it and keep it in step by a trigger, then swap',
      ]);
  }
  if (kind === 'ClusterStmt' && !state.isNew(relation))
    yield rewrite('cluster', statement, 'CLUSTER', { table: relation, known: state.known(relation) }, [
      'pg_repack --order-by, which locks only for a moment',
    ]);
  if (
    kind === 'RefreshMatViewStmt' &&
    !flag(node, 'concurrent') &&
    !flag(node, 'skipData') &&
    !state.isNew(relation)
  )
    yield hit(
      'refresh-blocking',
      statement,
      `Under ACCESS EXCLUSIVE nobody reads ${showTable(relation)} until its query has ended.`,
      [`REFRESH MATERIALIZED VIEW CONCURRENTLY ${showTable(relation)};   -- needs a unique index on it`],
    );
  if (kind !== 'VacuumStmt' || !optionIsOn(node, 'options', 'full')) return;
  const tables = itemsOf(node, 'rels', 'VacuumRelation').map((each) => tableOf(child(each, 'relation')));
  for (const table of tables.length > 0 ? tables : [{ schema: null, name: '' }])
    yield rewrite('vacuum-full', statement, 'VACUUM FULL', { table, known: state.known(table) }, [
      `VACUUM ${showTable(table)};`.replace(' "";', ';'),
      'pg_repack where space has to come back',
    ]);
}

function rewrite(
  rule: 'rewrite-table' | 'cluster' | 'vacuum-full',
  statement: Statement,
  what: string,
  { table, known }: { table: TableName; known: KnownTable | null },
  safe: readonly string[],
): Hit {
  const of = table.name === '' ? 'each table in turn' : showTable(table);
  return hit(
    rule,
    statement,
    `${what} writes ${of} anew under ACCESS EXCLUSIVE: nobody reads or writes it ${howLong(known, 'rewrite')}.`,
    safe,
    { work: { table: known, work: 'rewrite' } },
  );
}
