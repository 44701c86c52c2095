/** Rules on adding, validating and dropping constraints. */
import type { FileState } from '../file-state.ts';
import { isAtLeastLock } from '../locks.ts';
import type { SqlNode } from '../parsed.ts';
import { howLong, type KnownTable } from '../server.ts';
import { type Alteration, alterationsOf, columnConstraint, placeOf, type Statement } from '../statement.ts';
import {
  child,
  flag,
  items,
  keyOf,
  quoteName,
  showTable,
  type TableName,
  tableOf,
  word,
  words,
} from '../tree.ts';
import { type Hit, hitsOf, type Rules } from './rule.ts';

export const CONSTRAINT_RULES = {
  'add-foreign-key': {
    severity: 'error',
    lock: 'SHARE ROW EXCLUSIVE',
    what: 'A foreign key that is checked at once reads every row while nobody writes to either table.',
    safe: 'Add it NOT VALID, then VALIDATE CONSTRAINT in another transaction.',
  },
  'add-check': {
    severity: 'error',
    lock: 'ACCESS EXCLUSIVE',
    what: 'A CHECK (or a named NOT NULL) that is checked at once reads every row.',
    safe: 'Add it NOT VALID, then VALIDATE CONSTRAINT in another transaction.',
  },
  'add-unique-constraint': {
    severity: 'error',
    lock: 'ACCESS EXCLUSIVE',
    what: 'A unique constraint builds its index in place.',
    safe: 'CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT ... UNIQUE USING INDEX.',
  },
  'add-primary-key': {
    severity: 'error',
    lock: 'ACCESS EXCLUSIVE',
    what: 'A primary key builds its index in place and reads every row for NULL.',
    safe: 'Make the columns NOT NULL by the safe way, CREATE UNIQUE INDEX CONCURRENTLY, then ADD PRIMARY KEY USING INDEX.',
  },
  'add-exclusion': {
    severity: 'error',
    lock: 'ACCESS EXCLUSIVE',
    what: 'An exclusion constraint builds its index in place, and there is no other way to add one.',
    safe: 'A new table that has it from the beginning, filled and kept in step by a trigger; or a quiet hour.',
  },
  'validate-in-same-transaction': {
    severity: 'error',
    lock: 'ACCESS EXCLUSIVE',
    what: 'VALIDATE in the transaction that added the constraint NOT VALID reads every row under the lock of the ADD.',
    safe: 'COMMIT between the two.',
  },
  'validate-holding-locks': {
    severity: 'error',
    lock: null,
    what: 'VALIDATE itself lets reads and writes go on; a transaction that holds a stronger lock blocks them for as long as it reads.',
    safe: 'VALIDATE in a transaction of its own.',
  },
  'drop-foreign-key': {
    severity: 'warning',
    lock: 'ACCESS EXCLUSIVE',
    what: 'Dropping a foreign key locks both tables, and from then on rows without their parent come in.',
    safe: 'With a lock_timeout, alone in its transaction, once nothing relies on it.',
    quietIn: ['contract', 'revert'],
  },
  'foreign-key-without-index': {
    severity: 'warning',
    lock: null,
    what: 'Without an index on the referring columns, each DELETE or key UPDATE of the referred table reads the whole referring table.',
    safe: 'CREATE INDEX CONCURRENTLY on the columns first.',
  },
  'domain-constraint': {
    severity: 'error',
    lock: 'SHARE',
    what: 'A constraint on a domain is checked in every table that uses the domain.',
    safe: 'ADD CONSTRAINT ... NOT VALID, then VALIDATE CONSTRAINT; better a CHECK on the column than on a domain.',
  },
} as const satisfies Rules;

const hit = hitsOf(CONSTRAINT_RULES);

export function* checkConstraints(statement: Statement, state: FileState): Generator<Hit> {
  if (statement.kind === 'AlterDomainStmt') yield* domain(statement);
  for (const alteration of alterationsOf(statement)) {
    if (state.isNew(alteration.table)) continue;
    if (alteration.type === 'AT_AddConstraint')
      yield* constrained(statement, state, alteration.table, alteration.constraint);
    if (alteration.type === 'AT_AddColumn') yield* columnConstrained(statement, state, alteration);
    if (alteration.type === 'AT_ValidateConstraint') yield* validated(statement, state, alteration);
    if (alteration.type === 'AT_DropConstraint') yield* dropped(statement, state, alteration);
  }
}

/** On a column that is added: it is NULL or its default in every row, but the server looks all the same. */
function* columnConstrained(statement: Statement, state: FileState, alteration: Alteration): Generator<Hit> {
  const { table, column } = alteration;
  for (const type of ['CONSTR_CHECK', 'CONSTR_UNIQUE', 'CONSTR_PRIMARY'] as const) {
    const constraint = columnConstraint(column, type);
    if (constraint) yield* constrained(statement, state, table, constraint, word(column, 'colname'));
  }
  const key = columnConstraint(column, 'CONSTR_FOREIGN');
  // Without a default all its rows are NULL: then nothing is read.
  if (key && columnConstraint(column, 'CONSTR_DEFAULT'))
    yield* constrained(statement, state, table, key, word(column, 'colname'));
}

interface Told {
  readonly known: KnownTable | null;
  readonly at: number;
  readonly alter: string;
  readonly shown: string;
  readonly column: string | undefined;
}

function* constrained(
  statement: Statement,
  state: FileState,
  table: TableName,
  constraint: SqlNode,
  column?: string,
): Generator<Hit> {
  const type = word(constraint, 'contype');
  const canBeUnenforced = type === 'CONSTR_FOREIGN' || type === 'CONSTR_CHECK';
  // NOT VALID, and PostgreSQL 18's NOT ENFORCED, read nothing.
  if (flag(constraint, 'skip_validation') || (canBeUnenforced && !flag(constraint, 'is_enforced'))) return;
  const known = state.known(table);
  const shown = showTable(table);
  const told: Told = {
    known,
    at: placeOf(statement, constraint),
    alter: `ALTER TABLE ${shown}`,
    shown,
    column,
  };
  switch (type) {
    case 'CONSTR_FOREIGN':
      yield foreign(statement, state, table, constraint, told);
      return;
    case 'CONSTR_CHECK':
    case 'CONSTR_NOTNULL':
      yield checked(statement, table, constraint, told);
      return;
    case 'CONSTR_UNIQUE':
    case 'CONSTR_PRIMARY':
      if (word(constraint, 'indexname') === '') yield keyed(statement, table, constraint, told);
      return;
    case 'CONSTR_EXCLUSION':
      yield hit(
        'add-exclusion',
        statement,
        `The index of this exclusion constraint is built under ACCESS EXCLUSIVE: nobody reads or writes ${shown} ${howLong(known, 'index')}.`,
        [
          'there is no way to add one to a table in use: make a new table with it, or choose a quiet hour and a lock_timeout',
        ],
        { at: told.at, work: { table: known, work: 'index' } },
      );
      return;
    default:
  }
}

function foreign(
  statement: Statement,
  state: FileState,
  table: TableName,
  constraint: SqlNode,
  told: Told,
): Hit {
  const parent = showTable(tableOf(child(constraint, 'pktable')));
  const columns = told.column === undefined ? words(constraint, 'fk_attrs') : [told.column];
  const name = quoteName(word(constraint, 'conname') || `${table.name}_${columns.join('_')}_fkey`);
  const references = words(constraint, 'pk_attrs').map(quoteName).join(', ');
  const target = references === '' ? parent : `${parent} (${references})`;
  const isPartitioned = told.known?.partitioned === true && !state.server.atLeast(18);
  return hit(
    'add-foreign-key',
    statement,
    `Every row of ${told.shown} is looked up in ${parent} under SHARE ROW EXCLUSIVE on both: nobody writes to either ${howLong(told.known, 'scan')}.`,
    isPartitioned
      ? [
          'a partitioned table takes no NOT VALID before PostgreSQL 18: add it to each partition NOT VALID, validate, then to the table',
        ]
      : [
          `${told.alter} ADD CONSTRAINT ${name} FOREIGN KEY (${columns.map(quoteName).join(', ')}) REFERENCES ${target} NOT VALID;`,
          `${told.alter} VALIDATE CONSTRAINT ${name};   -- in another transaction`,
        ],
    { at: told.at, work: { table: told.known, work: 'scan' } },
  );
}

function checked(statement: Statement, table: TableName, constraint: SqlNode, told: Told): Hit {
  const isNotNull = word(constraint, 'contype') === 'CONSTR_NOTNULL';
  const usual = isNotNull
    ? `${table.name}_${words(constraint, 'keys').join('_')}_not_null`
    : `${table.name}_check`;
  const name = quoteName(word(constraint, 'conname') || usual);
  const what = isNotNull ? 'NOT NULL ...' : 'CHECK (...)';
  return hit(
    'add-check',
    statement,
    `Every row is checked under ACCESS EXCLUSIVE: nobody reads or writes ${told.shown} ${howLong(told.known, 'scan')}.`,
    [
      `${told.alter} ADD CONSTRAINT ${name} ${what} NOT VALID;`,
      `${told.alter} VALIDATE CONSTRAINT ${name};   -- in another transaction`,
    ],
    { at: told.at, work: { table: told.known, work: 'scan' } },
  );
}

function keyed(statement: Statement, table: TableName, constraint: SqlNode, told: Told): Hit {
  const isPrimary = word(constraint, 'contype') === 'CONSTR_PRIMARY';
  const columns = told.column === undefined ? words(constraint, 'keys') : [told.column];
  const usual = isPrimary ? `${table.name}_pkey` : `${table.name}_${columns.join('_')}_key`;
  const name = quoteName(word(constraint, 'conname') || usual);
  return hit(
    isPrimary ? 'add-primary-key' : 'add-unique-constraint',
    statement,
    `Its index is built under ACCESS EXCLUSIVE: nobody reads or writes ${told.shown} ${howLong(told.known, 'index')}.`,
    [
      ...(isPrimary ? ['first make the columns NOT NULL by a validated check (rule set-not-null)'] : []),
      `CREATE UNIQUE INDEX CONCURRENTLY ${name} ON ${told.shown} (${columns.map(quoteName).join(', ')});`,
      `${told.alter} ADD CONSTRAINT ${name} ${isPrimary ? 'PRIMARY KEY' : 'UNIQUE'} USING INDEX ${name};`,
    ],
    { at: told.at, work: { table: told.known, work: 'index' } },
  );
}

function* validated(statement: Statement, state: FileState, { table, name }: Alteration): Generator<Hit> {
  const { transaction } = state;
  if (!transaction) return;
  const known = state.known(table);
  const work = { table: known, work: 'scan' } as const;
  if (transaction.notValid.has(`${keyOf(table)}.${name}`)) {
    yield hit(
      'validate-in-same-transaction',
      statement,
      `This reads every row under the lock that ADD CONSTRAINT ${quoteName(name)} still holds on ${showTable(table)} ${howLong(known, 'scan')}.`,
      ['COMMIT between ADD CONSTRAINT ... NOT VALID and VALIDATE CONSTRAINT'],
      { work },
    );
    return;
  }
  const held = transaction.held.find((lock) => isAtLeastLock(lock.mode, 'SHARE'));
  if (held)
    yield hit(
      'validate-holding-locks',
      statement,
      `The transaction holds ${held.mode} on ${showTable(held.table)} while this reads every row of ${showTable(table)} ${howLong(known, 'scan')}.`,
      ['VALIDATE CONSTRAINT in a transaction of its own'],
      { work },
    );
}

function* dropped(statement: Statement, state: FileState, { table, name }: Alteration): Generator<Hit> {
  const told = state.known(table)?.constraints.find((each) => each.name === name);
  const isKey = told
    ? told.type === 'foreign-key'
    : state.history.isForeignKey(table, name) || /(?:^|_)(?:fk|fkey|foreign)(?:_|$)|^fk/i.test(name);
  if (isKey)
    yield hit(
      'drop-foreign-key',
      statement,
      `This takes ACCESS EXCLUSIVE on ${showTable(table)} and on the table it refers to; afterwards rows without their parent come in.`,
      ['set a lock_timeout, and do it alone in its transaction once nothing relies on it'],
    );
}

function* domain(statement: Statement): Generator<Hit> {
  const { node } = statement;
  const name = items(node, 'typeName')
    .map((each) => word(each.node, 'sval'))
    .join('.');
  const subtype = word(node, 'subtype');
  const constraint = child(child(node, 'def'), 'Constraint');
  const isAdd = (subtype === 'C' || subtype === 'AD_AddConstraint') && !flag(constraint, 'skip_validation');
  const isSetNotNull = subtype === 'O' || subtype === 'AD_SetNotNull';
  if (!isAdd && !isSetNotNull) return;
  yield hit(
    'domain-constraint',
    statement,
    `Every table with a column of ${name} is read under SHARE: nobody writes to any of them meanwhile.`,
    isAdd
      ? [
          `ALTER DOMAIN ${name} ADD CONSTRAINT ... NOT VALID;`,
          `ALTER DOMAIN ${name} VALIDATE CONSTRAINT ...;   -- later, in a quiet hour: it locks as well`,
        ]
      : ['a CHECK (... IS NOT NULL) NOT VALID on each column, validated table by table'],
  );
}

/** At the end of a file, because the index may come after the key. */
export function* checkForeignKeyIndexes(statements: readonly Statement[], state: FileState): Generator<Hit> {
  for (const statement of statements)
    for (const { table, columns, at } of foreignKeysOf(statement)) {
      const isKnown = state.isNew(table) || state.known(table) !== null || statement.kind === 'CreateStmt';
      const addsColumn = alterationsOf(statement).some(
        ({ type, name }) => type === 'AT_AddColumn' && columns.includes(name),
      );
      // Of an old table that nobody looked at, it cannot be said that it has none.
      if (!isKnown && !addsColumn) continue;
      const indexes = [
        ...state.history.indexesOf(table),
        ...(state.known(table)?.indexes.map((index) => index.columns) ?? []),
      ];
      if (indexes.some((index) => isCoveredBy(columns, index))) continue;
      const list = columns.map(quoteName).join(', ');
      yield hit(
        'foreign-key-without-index',
        statement,
        `No index of ${showTable(table)} begins with (${list}): each DELETE in the referred table reads all of ${showTable(table)}.`,
        [`CREATE INDEX ${state.isNew(table) ? '' : 'CONCURRENTLY '}ON ${showTable(table)} (${list});`],
        { at },
      );
    }
}

function isCoveredBy(columns: readonly string[], index: readonly string[]): boolean {
  const first = new Set(index.slice(0, columns.length));
  return columns.every((column) => first.has(column));
}

interface ForeignKey {
  readonly table: TableName;
  readonly columns: readonly string[];
  readonly at: number;
}

function foreignKeysOf(statement: Statement): readonly ForeignKey[] {
  const of = (table: TableName, constraint: SqlNode, column?: string): readonly ForeignKey[] =>
    word(constraint, 'contype') === 'CONSTR_FOREIGN'
      ? [
          {
            table,
            columns: column === undefined ? words(constraint, 'fk_attrs') : [column],
            at: placeOf(statement, constraint),
          },
        ]
      : [];
  const ofColumn = (table: TableName, column: SqlNode) =>
    items(column, 'constraints').flatMap((each) => of(table, each.node, word(column, 'colname')));
  if (statement.kind === 'CreateStmt') {
    const table = tableOf(child(statement.node, 'relation'));
    return items(statement.node, 'tableElts').flatMap(({ kind, node }) =>
      kind === 'Constraint' ? of(table, node) : ofColumn(table, node),
    );
  }
  return alterationsOf(statement).flatMap(({ table, type, column, constraint }) => {
    if (type === 'AT_AddConstraint') return of(table, constraint);
    return type === 'AT_AddColumn' ? ofColumn(table, column) : [];
  });
}
