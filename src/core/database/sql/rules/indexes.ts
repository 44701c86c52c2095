/** Rules on indexes and partitions. */
import type { FileState } from '../file-state.ts';
import { columnsOfIndex } from '../history.ts';
import { isConcurrent } from '../locks.ts';
import { howLong } from '../server.ts';
import { alterationsOf, type Statement } from '../statement.ts';
import {
  child,
  flag,
  items,
  optionIsOn,
  quoteName,
  showTable,
  tableOf,
  tableOfParts,
  word,
  words,
} from '../tree.ts';
import { type Hit, hitsOf, type Rules } from './rule.ts';

export const INDEX_RULES = {
  'create-index-blocking': {
    severity: 'error',
    lock: 'SHARE',
    what: 'CREATE INDEX lets nobody write to the table until the index is built.',
    safe: 'CREATE INDEX CONCURRENTLY, outside of a transaction.',
  },
  'drop-index-blocking': {
    severity: 'warning',
    lock: 'ACCESS EXCLUSIVE',
    what: 'DROP INDEX locks the whole table, and everybody queues behind it while it waits for the longest query.',
    safe: 'DROP INDEX CONCURRENTLY, outside of a transaction.',
  },
  'reindex-blocking': {
    severity: 'error',
    lock: 'SHARE',
    what: 'REINDEX lets nobody write to the table, nor read by the index, until it is built.',
    safe: 'REINDEX ... CONCURRENTLY (PostgreSQL 12); before, a second index built CONCURRENTLY.',
  },
  'concurrently-in-transaction': {
    severity: 'error',
    lock: null,
    what: 'CONCURRENTLY cannot run in a transaction: it fails.',
    safe: 'A file or a migration without a transaction.',
  },
  'concurrently-corrupts': {
    severity: 'error',
    lock: null,
    what: 'In PostgreSQL 14.0 to 14.3, indexes made CONCURRENTLY can miss rows.',
    safe: 'Update to 14.4 first.',
  },
  'wide-index': {
    severity: 'advice',
    lock: null,
    what: 'An index of more than three columns that is not unique rarely helps more than its first columns do, and slows each write.',
    safe: 'An index on the columns that select most.',
  },
  'detach-partition-blocking': {
    severity: 'error',
    lock: 'ACCESS EXCLUSIVE',
    what: 'DETACH PARTITION locks the whole partitioned table.',
    safe: 'DETACH PARTITION ... CONCURRENTLY (PostgreSQL 14), outside of a transaction.',
  },
  'attach-partition-scan': {
    severity: 'warning',
    lock: 'ACCESS EXCLUSIVE',
    what: 'ATTACH PARTITION reads every row of the new partition under a lock, unless a valid CHECK already says its bounds.',
    safe: 'Add a CHECK with the bounds NOT VALID, VALIDATE it, ATTACH, drop the check.',
  },
} as const satisfies Rules;

const hit = hitsOf(INDEX_RULES);

export function* checkIndexes(statement: Statement, state: FileState): Generator<Hit> {
  switch (statement.kind) {
    case 'IndexStmt':
      yield* created(statement, state);
      return;
    case 'DropStmt':
      yield* dropped(statement, state);
      return;
    case 'ReindexStmt':
      yield* reindexed(statement, state);
      return;
    default:
      yield* partitions(statement, state);
  }
}

function* created(statement: Statement, state: FileState): Generator<Hit> {
  const { node } = statement;
  const relation = child(node, 'relation');
  const table = tableOf(relation);
  const shown = showTable(table);
  if (flag(node, 'concurrent')) yield* concurrently(statement, state, 'CREATE INDEX CONCURRENTLY');
  else if (!state.isNew(table) && relation['inh'] !== undefined) yield blocking(statement, state);
  const columns = columnsOfIndex(node);
  if (columns.length > 3 && !flag(node, 'unique') && (word(node, 'accessMethod') || 'btree') === 'btree')
    yield hit(
      'wide-index',
      statement,
      `An index of ${columns.length} columns on ${shown}: each write pays for all of them, and queries seldom use more than the first ones.`,
      ['index the columns that select most'],
    );
}

function blocking(statement: Statement, state: FileState): Hit {
  const { node } = statement;
  const table = tableOf(child(node, 'relation'));
  const known = state.known(table);
  const shown = showTable(table);
  const name = word(node, 'idxname');
  const columns = columnsOfIndex(node).map((column) => (column === '' ? '...' : quoteName(column)));
  const unique = flag(node, 'unique') ? 'UNIQUE ' : '';
  const safe = known?.partitioned
    ? [
        `CREATE ${unique}INDEX ... ON ONLY ${shown} (${columns.join(', ')});`,
        'then CREATE INDEX CONCURRENTLY on each partition, and ALTER INDEX ... ATTACH PARTITION: a partitioned table takes no CONCURRENTLY',
      ]
    : [
        `CREATE ${unique}INDEX CONCURRENTLY ${name === '' ? '' : `${quoteName(name)} `}ON ${shown} (${columns.join(', ')});`,
        ...(state.transaction ? ['outside of a transaction'] : []),
      ];
  return hit(
    'create-index-blocking',
    statement,
    `The index is built under SHARE: nobody writes to ${shown} ${howLong(known, 'index')}.`,
    safe,
    { work: { table: known, work: 'index' } },
  );
}

function* dropped(statement: Statement, state: FileState): Generator<Hit> {
  const { node } = statement;
  if (word(node, 'removeType') !== 'OBJECT_INDEX') return;
  if (flag(node, 'concurrent')) {
    yield* concurrently(statement, state, 'DROP INDEX CONCURRENTLY');
    return;
  }
  for (const each of items(node, 'objects')) {
    const index = tableOfParts(words(each.node, 'items'));
    const table = state.tableOfIndex(index);
    if (table && state.isNew(table)) continue;
    const of = table ? showTable(table) : 'its table';
    yield hit(
      'drop-index-blocking',
      statement,
      `This takes ACCESS EXCLUSIVE on ${of}: while it waits for the longest query there, nobody reads or writes it.`,
      [
        `DROP INDEX CONCURRENTLY ${showTable(index)};`,
        ...(state.transaction ? ['outside of a transaction'] : []),
      ],
    );
  }
}

function* reindexed(statement: Statement, state: FileState): Generator<Hit> {
  const { node } = statement;
  if (optionIsOn(node, 'params', 'concurrently')) {
    yield* concurrently(statement, state, 'REINDEX CONCURRENTLY');
    return;
  }
  const kind = word(node, 'kind').replace('REINDEX_OBJECT_', '');
  const target = tableOf(child(node, 'relation'));
  const table = kind === 'INDEX' ? state.tableOfIndex(target) : target;
  if (table && state.isNew(table)) return;
  const known = table ? state.known(table) : null;
  const name = target.name === '' ? word(node, 'name') : showTable(target);
  const of =
    kind === 'TABLE' || table
      ? showTable(table ?? target)
      : kind === 'INDEX'
        ? 'its table'
        : 'any of its tables';
  yield hit(
    'reindex-blocking',
    statement,
    `Nobody writes to ${of}, or reads by what is rebuilt, ${howLong(known, 'index')}.`,
    state.server.atLeast(12)
      ? [`REINDEX ${kind} CONCURRENTLY ${name};`]
      : [
          'before PostgreSQL 12: CREATE INDEX CONCURRENTLY under another name, DROP INDEX CONCURRENTLY the old one, rename',
        ],
    { work: { table: known, work: 'index' } },
  );
}

function* concurrently(statement: Statement, state: FileState, what: string): Generator<Hit> {
  if (state.transaction)
    yield hit(
      'concurrently-in-transaction',
      statement,
      `${what} fails in a transaction${wrappedBy(statement, state)}.`,
      ['run it in a file or a migration without a transaction'],
    );
  const { major, minor } = state.server.version;
  if (major === 14 && minor !== null && minor < 4 && !what.startsWith('DROP'))
    yield hit(
      'concurrently-corrupts',
      statement,
      `On PostgreSQL 14.${minor} an index made CONCURRENTLY can miss rows that were updated meanwhile.`,
      ['update to PostgreSQL 14.4 or newer first'],
    );
}

function wrappedBy(statement: Statement, state: FileState): string {
  if (statement.inBody) return ', and a DO is one';
  return state.transaction?.explicit ? '' : ', and this file runs in one';
}

function* partitions(statement: Statement, state: FileState): Generator<Hit> {
  for (const { table, type, command } of alterationsOf(statement)) {
    const partition = tableOf(child(child(child(command, 'def'), 'PartitionCmd'), 'name'));
    if (type === 'AT_DetachPartition' && isConcurrent(command))
      yield* concurrently(statement, state, 'DETACH PARTITION CONCURRENTLY');
    else if (type === 'AT_DetachPartition' && !state.isNew(table))
      yield hit(
        'detach-partition-blocking',
        statement,
        `This takes ACCESS EXCLUSIVE on all of ${showTable(table)}: while it waits for the longest query there, nobody reads or writes it.`,
        state.server.atLeast(14)
          ? [`ALTER TABLE ${showTable(table)} DETACH PARTITION ${showTable(partition)} CONCURRENTLY;`]
          : ['before PostgreSQL 14 there is no other way: set a short lock_timeout and try again'],
      );
    if (type === 'AT_AttachPartition' && !state.isNew(partition) && !isDefaultPartition(command)) {
      const known = state.known(partition);
      const hasCheck = known?.constraints.some((each) => each.type === 'check' && each.validated) === true;
      if (!hasCheck)
        yield hit(
          'attach-partition-scan',
          statement,
          `Every row of ${showTable(partition)} is checked under ACCESS EXCLUSIVE on it ${howLong(known, 'scan')}.`,
          [
            `ALTER TABLE ${showTable(partition)} ADD CONSTRAINT ... CHECK (the bounds) NOT VALID;`,
            `ALTER TABLE ${showTable(partition)} VALIDATE CONSTRAINT ...;   -- in another transaction, then ATTACH`,
          ],
        );
    }
  }
}

function isDefaultPartition(command: Parameters<typeof isConcurrent>[0]): boolean {
  return flag(child(child(child(command, 'def'), 'PartitionCmd'), 'bound'), 'is_default');
}
