/** Rules on adding, changing and dropping columns. */
import { widens } from '../column-type.ts';
import type { FileState } from '../file-state.ts';
import type { SqlNode } from '../parsed.ts';
import { howLong } from '../server.ts';
import { type Alteration, alterationsOf, columnConstraint, placeOf, type Statement } from '../statement.ts';
import { child, quoteName, showTable, showType, tableOf, typeOf, word } from '../tree.ts';
import { volatilityOf } from '../volatility.ts';
import { type Hit, hitsOf, type Rules } from './rule.ts';

export const COLUMN_RULES = {
  'add-column-volatile-default': {
    severity: 'error',
    lock: 'ACCESS EXCLUSIVE',
    what: 'A new column with a default that is worked out for each row (before PostgreSQL 11: with any default) rewrites the table.',
    safe: 'Add the column without it, set the default, fill old rows in batches.',
  },
  'add-column-required': {
    severity: 'error',
    lock: null,
    what: 'A new NOT NULL column without a default fails on a table with rows, and breaks every INSERT of the version that does not know it.',
    safe: 'Allow NULL or give a constant default; require it once both versions write it.',
  },
  'add-serial-column': {
    severity: 'error',
    lock: 'ACCESS EXCLUSIVE',
    what: 'A new serial or identity column numbers every row: it rewrites the table.',
    safe: 'Add a plain column, set its default to a sequence, fill old rows in batches.',
  },
  'add-stored-generated-column': {
    severity: 'error',
    lock: 'ACCESS EXCLUSIVE',
    what: 'A new stored generated column is worked out for every row: it rewrites the table.',
    safe: 'A plain column kept by a trigger and filled in batches; from PostgreSQL 18 a virtual one.',
  },
  'set-not-null': {
    severity: 'error',
    lock: 'ACCESS EXCLUSIVE',
    what: 'SET NOT NULL reads every row.',
    safe: 'CHECK (... IS NOT NULL) NOT VALID, VALIDATE it, SET NOT NULL (which from PostgreSQL 12 believes the check), drop the check.',
  },
  'drop-not-null': {
    severity: 'warning',
    lock: null,
    what: 'Code that still reads the column as never NULL meets NULL once the new version writes it.',
    safe: 'Release the readers that cope with NULL first.',
    quietIn: ['contract', 'revert'],
  },
  'change-column-type': {
    severity: 'error',
    lock: 'ACCESS EXCLUSIVE',
    what: 'A change of type rewrites the table and its indexes, unless it only widens the type.',
    safe: 'A new column of the new type, kept in step by a trigger, filled in batches; then switch.',
  },
  'drop-column': {
    severity: 'error',
    lock: null,
    what: 'The version that still reads or writes the column fails at once, and its values are gone.',
    safe: 'Release code that does not use it; drop it in the contract step.',
    quietIn: ['contract', 'revert'],
  },
  'rename-column': {
    severity: 'error',
    lock: null,
    what: 'The version that uses the old name fails at once.',
    safe: 'A second column with the new name, kept in step with the old one until nobody uses that.',
    quietIn: ['contract', 'revert'],
  },
  'json-column': {
    severity: 'warning',
    lock: null,
    what: 'json has no equality: SELECT DISTINCT, GROUP BY and UNION over the table fail.',
    safe: 'jsonb.',
  },
  'change-default': {
    severity: 'advice',
    lock: null,
    what: 'A version that leaves the column out of its INSERTs writes the new default from now on, also the old version.',
    safe: 'Have both versions write the value, or change the default after the release.',
    quietIn: ['contract', 'revert'],
  },
} as const satisfies Rules;

const hit = hitsOf(COLUMN_RULES);

export function* checkColumns(statement: Statement, state: FileState): Generator<Hit> {
  if (statement.kind === 'RenameStmt') yield* renamed(statement, state);
  for (const alteration of alterationsOf(statement)) {
    if (state.isNew(alteration.table)) continue;
    if (alteration.type === 'AT_AddColumn') yield* added(statement, state, alteration);
    else yield* altered(statement, state, alteration);
  }
}

const SERIAL: ReadonlySet<string> = new Set([
  'serial',
  'serial2',
  'serial4',
  'serial8',
  'bigserial',
  'smallserial',
]);

function* added(statement: Statement, state: FileState, { table, column, name }: Alteration): Generator<Hit> {
  const known = state.known(table);
  const type = typeOf(child(column, 'typeName'));
  const at = placeOf(statement, column);
  const alter = `ALTER TABLE ${showTable(table)}`;
  const plain = `${alter} ADD COLUMN ${quoteName(name)} ${showType(type)};`;
  const rewrites = `under ACCESS EXCLUSIVE: nobody reads or writes ${showTable(table)} ${howLong(known, 'rewrite')}`;
  const work = { table: known, work: 'rewrite' } as const;
  if (type.name === 'json' && !type.array)
    yield hit(
      'json-column',
      statement,
      `With a json column, SELECT DISTINCT and GROUP BY over all of ${showTable(table)} fail: json has no equality.`,
      [`${alter} ADD COLUMN ${quoteName(name)} jsonb;`],
      { at },
    );
  const generated = columnConstraint(column, 'CONSTR_GENERATED');
  if (generated) {
    if (word(generated, 'generated_kind') === 'v') return;
    yield hit(
      'add-stored-generated-column',
      statement,
      `The stored column ${quoteName(name)} is worked out for every row ${rewrites}.`,
      [
        plain,
        ...(state.server.atLeast(18) ? ['or GENERATED ALWAYS AS (...) VIRTUAL, which needs no rewrite'] : []),
        'keep it by a trigger, and fill old rows in batches',
      ],
      { at, work },
    );
    return;
  }
  if (SERIAL.has(type.name) || columnConstraint(column, 'CONSTR_IDENTITY')) {
    yield hit(
      'add-serial-column',
      statement,
      `${quoteName(name)} numbers every row ${rewrites}.`,
      [
        `${alter} ADD COLUMN ${quoteName(name)} bigint;`,
        `CREATE SEQUENCE ${quoteName(`${table.name}_${name}_seq`)} OWNED BY ${showTable(table)}.${quoteName(name)};`,
        `${alter} ALTER COLUMN ${quoteName(name)} SET DEFAULT nextval('${table.name}_${name}_seq');`,
        'then fill old rows in batches',
      ],
      { at, work },
    );
    return;
  }
  const value = columnConstraint(column, 'CONSTR_DEFAULT');
  const isDefaulted = value !== null && !isNull(child(value, 'raw_expr'));
  if (columnConstraint(column, 'CONSTR_NOTNULL') && !isDefaulted)
    yield hit(
      'add-column-required',
      statement,
      `${quoteName(name)} is NOT NULL without a default: this fails when ${showTable(table)} has rows, and INSERTs of the version that does not know it fail.`,
      [
        `${plain.slice(0, -1)} NOT NULL DEFAULT ...;`,
        'or without NOT NULL: require it once every version writes it',
      ],
      { at },
    );
  if (value && isDefaulted)
    yield* defaulted(statement, state, { value, at, plain, alter, name, rewrites, work });
}

interface Defaulted {
  readonly value: SqlNode;
  readonly at: number;
  readonly plain: string;
  readonly alter: string;
  readonly name: string;
  readonly rewrites: string;
  readonly work: { readonly table: ReturnType<FileState['known']>; readonly work: 'rewrite' };
}

function* defaulted(statement: Statement, state: FileState, given: Defaulted): Generator<Hit> {
  const { value, at, plain, alter, name, rewrites, work } = given;
  const safe = [
    plain,
    `${alter} ALTER COLUMN ${quoteName(name)} SET DEFAULT ...;`,
    'then fill old rows in batches',
  ];
  if (!state.server.atLeast(11)) {
    yield hit(
      'add-column-volatile-default',
      statement,
      `Before PostgreSQL 11 a default is written into every row ${rewrites}.`,
      safe,
      { at, work },
    );
    return;
  }
  const volatility = volatilityOf(child(value, 'raw_expr'), state.server);
  if (volatility.type === 'volatile')
    yield hit(
      'add-column-volatile-default',
      statement,
      `${volatility.name}() is called for every row ${rewrites}.`,
      safe,
      { at, work },
    );
  if (volatility.type === 'unknown')
    yield hit(
      'add-column-volatile-default',
      statement,
      `Unless ${volatility.name}() is declared STABLE or IMMUTABLE, it is called for every row ${rewrites}.`,
      safe,
      { at, work, severity: 'warning' },
    );
}

function isNull(expression: SqlNode): boolean {
  const constant = child(expression, 'A_Const');
  return (
    constant['isnull'] === true ||
    ('TypeCast' in expression && isNull(child(child(expression, 'TypeCast'), 'arg')))
  );
}

function* altered(statement: Statement, state: FileState, alteration: Alteration): Generator<Hit> {
  const { table, type, name } = alteration;
  const shown = showTable(table);
  const column = quoteName(name);
  switch (type) {
    case 'AT_SetNotNull':
      yield* required(statement, state, alteration);
      return;
    case 'AT_DropNotNull':
      yield hit(
        'drop-not-null',
        statement,
        `Code that reads ${shown}.${column} as never NULL will meet NULL.`,
        ['release readers that cope with NULL before anything writes it'],
      );
      return;
    case 'AT_AlterColumnType':
      yield* retyped(statement, state, alteration);
      return;
    case 'AT_DropColumn':
      yield hit(
        'drop-column',
        statement,
        `The version that still uses ${shown}.${column} fails at once, and the values are gone.`,
        ['release code that does not name it; drop it in contract.sql, after the old version is gone'],
      );
      return;
    case 'AT_AddIdentity':
      return;
    case 'AT_ColumnDefault':
      if ('def' in alteration.command)
        yield hit(
          'change-default',
          statement,
          `From now on the old version, too, writes the new default where it leaves ${shown}.${column} out.`,
          ['have both versions write the value, or change the default after the release'],
        );
      return;
    default:
  }
}

function* required(statement: Statement, state: FileState, { table, name }: Alteration): Generator<Hit> {
  const known = state.known(table);
  const isProven =
    state.history.isKnownNotNull(table, name) ||
    known?.constraints.some((each) => each.validated && isNotNullCheck(each.definition, name)) === true;
  const alreadySo = known?.columns.some((each) => each.name === name && each.notNull) === true;
  if ((isProven && state.server.atLeast(12)) || alreadySo) return;
  const alter = `ALTER TABLE ${showTable(table)}`;
  const check = quoteName(`${table.name}_${name}_not_null`);
  const safe = [
    `${alter} ADD CONSTRAINT ${check} CHECK (${quoteName(name)} IS NOT NULL) NOT VALID;`,
    `${alter} VALIDATE CONSTRAINT ${check};   -- in another transaction`,
    ...(state.server.atLeast(12)
      ? [`${alter} ALTER COLUMN ${quoteName(name)} SET NOT NULL, DROP CONSTRAINT ${check};`]
      : ['before PostgreSQL 12, leave it at the check: SET NOT NULL reads every row all the same']),
  ];
  yield hit(
    'set-not-null',
    statement,
    `SET NOT NULL reads every row under ACCESS EXCLUSIVE: nobody reads or writes ${showTable(table)} ${howLong(known, 'scan')}.`,
    safe,
    { work: { table: known, work: 'scan' } },
  );
}

/** As PostgreSQL writes it: `CHECK ((name IS NOT NULL))`, and from 18 `NOT NULL name`. */
function isNotNullCheck(definition: string, column: string): boolean {
  const name = quoteName(column);
  return definition === `CHECK ((${name} IS NOT NULL))` || definition === `NOT NULL ${name}`;
}

function* retyped(
  statement: Statement,
  state: FileState,
  { table, name, column }: Alteration,
): Generator<Hit> {
  const known = state.known(table);
  const wanted = typeOf(child(column, 'typeName'));
  const was =
    state.history.typeOfColumn(table, name) ??
    known?.columns.find((each) => each.name === name)?.type ??
    null;
  // An expression other than the column itself is worked out for every row.
  const isPlain = !('raw_default' in column) || isColumnItself(child(column, 'raw_default'), name);
  if (was !== null && isPlain && !('collClause' in column) && widens(was, wanted)) return;
  const unknown =
    was === null && isPlain ? ' unless it only widens the type (varchar(20) to varchar(40) or text)' : '';
  const next = quoteName(`${name}_new`);
  yield hit(
    'change-column-type',
    statement,
    `This writes ${showTable(table)} anew under ACCESS EXCLUSIVE${unknown}: nobody reads or writes it ${howLong(known, 'rewrite')}.`,
    [
      `ALTER TABLE ${showTable(table)} ADD COLUMN ${next} ${showType(wanted)};`,
      `keep it in step with ${quoteName(name)} by a trigger, fill it in batches, then switch`,
    ],
    {
      work: { table: known, work: 'rewrite' },
      // It may be the harmless kind.
      ...(unknown !== '' && WIDE.has(wanted.name) && wanted.mods.length === 0
        ? { severity: 'warning' as const }
        : {}),
    },
  );
}

/** What types are usually widened to. */
const WIDE: ReadonlySet<string> = new Set(['text', 'varchar', 'numeric', 'inet']);

function isColumnItself(expression: SqlNode, name: string): boolean {
  if ('TypeCast' in expression) return isColumnItself(child(child(expression, 'TypeCast'), 'arg'), name);
  const fields = child(expression, 'ColumnRef')['fields'];
  return JSON.stringify(fields) === JSON.stringify([{ String: { sval: name } }]);
}

function* renamed(statement: Statement, state: FileState): Generator<Hit> {
  const { node } = statement;
  const table = tableOf(child(node, 'relation'));
  if (word(node, 'renameType') !== 'OBJECT_COLUMN' || state.isNew(table)) return;
  if (word(node, 'relationType') !== 'OBJECT_TABLE') return;
  const from = quoteName(word(node, 'subname'));
  const to = quoteName(word(node, 'newname'));
  yield hit('rename-column', statement, `The version that uses ${showTable(table)}.${from} fails at once.`, [
    `add ${to} beside ${from}, keep both in step by a trigger, and drop ${from} when nobody uses it`,
  ]);
}
