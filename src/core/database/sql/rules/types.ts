/** Rules on enums and domains. */
import type { FileState } from '../file-state.ts';
import type { Statement } from '../statement.ts';
import { child, everyOf, items, itemsOf, word } from '../tree.ts';
import { type Hit, hitsOf, type Rules } from './rule.ts';

export const TYPE_RULES = {
  'rename-enum-value': {
    severity: 'error',
    lock: null,
    what: 'The version that reads or writes the old value fails at once.',
    safe: 'Add the new value, write it, change the rows in batches; leave the old value unused.',
    quietIn: ['contract', 'revert'],
  },
  'enum-value-in-transaction': {
    severity: 'error',
    lock: null,
    what: 'Before PostgreSQL 12, ADD VALUE cannot run in a transaction; from 12 on the new value cannot be used in the transaction that adds it.',
    safe: 'ADD VALUE in a migration of its own.',
  },
  'enum-value-order': {
    severity: 'advice',
    lock: null,
    what: 'A value put between others changes how rows sort and compare, also for the old version.',
    safe: 'Add values at the end.',
  },
  'constrained-domain': {
    severity: 'advice',
    lock: null,
    what: 'A constraint on a domain can only be changed by checking every table that uses the domain.',
    safe: 'The type itself, and a CHECK on the column.',
  },
} as const satisfies Rules;

const hit = hitsOf(TYPE_RULES);

export function* checkTypes(statement: Statement, state: FileState): Generator<Hit> {
  const { kind, node } = statement;
  if (kind === 'AlterEnumStmt') yield* enumeration(statement, state);
  else if (state.transaction && state.transaction.newEnumValues.size > 0)
    yield* usesNewValue(statement, state);
  if (kind !== 'CreateDomainStmt') return;
  const name = items(node, 'domainname')
    .map((each) => word(each.node, 'sval'))
    .join('.');
  const constraints = itemsOf(node, 'constraints', 'Constraint').map((each) => word(each, 'contype'));
  if (constraints.includes('CONSTR_CHECK') || constraints.includes('CONSTR_NOTNULL'))
    yield hit(
      'constrained-domain',
      statement,
      `To change the constraint of ${name} later, every table that uses it is read under a lock.`,
      ['use the type itself, with a CHECK on the column'],
    );
}

function* enumeration(statement: Statement, state: FileState): Generator<Hit> {
  const { node } = statement;
  const name = items(node, 'typeName')
    .map((each) => word(each.node, 'sval'))
    .join('.');
  const value = word(node, 'newVal');
  const old = word(node, 'oldVal');
  if (old !== '') {
    yield hit(
      'rename-enum-value',
      statement,
      `The version that writes '${old}' fails at once, and the one that reads it does not know '${value}'.`,
      [
        `ALTER TYPE ${name} ADD VALUE '${value}';`,
        `then write '${value}', change old rows in batches, and leave '${old}' unused`,
      ],
    );
    return;
  }
  if (state.transaction && !state.server.atLeast(12))
    yield hit(
      'enum-value-in-transaction',
      statement,
      'Before PostgreSQL 12, ADD VALUE fails in a transaction.',
      ['run it in a migration without a transaction'],
    );
  if (word(node, 'newValNeighbor') !== '')
    yield hit(
      'enum-value-order',
      statement,
      `From now on rows of ${name} sort and compare with '${value}' in between, for the old version, too.`,
      [`ALTER TYPE ${name} ADD VALUE '${value}';`],
    );
}

function* usesNewValue(statement: Statement, state: FileState): Generator<Hit> {
  const added = state.transaction?.newEnumValues ?? new Set();
  for (const constant of everyOf(statement.node, 'A_Const')) {
    const value = word(child(constant, 'sval'), 'sval');
    if (!added.has(value)) continue;
    yield hit(
      'enum-value-in-transaction',
      statement,
      `'${value}' was added in this transaction: it cannot be used before COMMIT.`,
      ['COMMIT after ALTER TYPE ... ADD VALUE'],
    );
    return;
  }
}
