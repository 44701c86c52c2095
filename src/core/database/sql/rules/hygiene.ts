/** Rules that keep trouble away later. Most are advice: they are shown when they are asked for. */
import type { FileState } from '../file-state.ts';
import type { SqlNode } from '../parsed.ts';
import { alterationsOf, columnConstraint, placeOf, type Statement } from '../statement.ts';
import { child, everyOf, flag, itemsOf, quoteName, tableOf, type TypeName, typeOf, word } from '../tree.ts';
import { type Hit, hitsOf, type Rules } from './rule.ts';

export const HYGIENE_RULES = {
  'column-assigned-twice': {
    severity: 'error',
    lock: null,
    what: 'A column that is assigned twice in one statement is refused by the server.',
    safe: 'One assignment.',
  },
  'identifier-too-long': {
    severity: 'warning',
    lock: null,
    what: 'Names of more than 63 bytes are cut off without an error; two may become the same.',
    safe: 'A shorter name.',
  },
  'prefer-if-exists': {
    severity: 'advice',
    lock: null,
    what: 'A migration that broke off half-way cannot be run again.',
    safe: 'IF EXISTS, IF NOT EXISTS.',
  },
  'prefer-bigint': {
    severity: 'advice',
    lock: null,
    what: 'A key of 32 bits ends at 2,147,483,647, and a wider one is a rewrite.',
    safe: 'bigint.',
  },
  'prefer-identity': {
    severity: 'advice',
    lock: null,
    what: 'The sequence of a serial has rights and an owner of its own, and INSERTs go past it unseen.',
    safe: 'GENERATED ALWAYS AS IDENTITY.',
  },
  'prefer-text': {
    severity: 'advice',
    lock: null,
    what: 'A length in the type is changed by ALTER TABLE; varchar(n) is no faster than text.',
    safe: 'text with a CHECK.',
  },
  'prefer-timestamptz': {
    severity: 'advice',
    lock: null,
    what: 'timestamp keeps no zone: it means another moment for each session.',
    safe: 'timestamptz.',
  },
  'no-char-n': {
    severity: 'advice',
    lock: null,
    what: 'char(n) is filled up with spaces, and compares as if they were not there.',
    safe: 'text with a CHECK.',
  },
} as const satisfies Rules;

const hit = hitsOf(HYGIENE_RULES);

export function* checkHygiene(statement: Statement, state: FileState): Generator<Hit> {
  yield* assignments(statement);
  yield* names(statement);
  yield* repeatable(statement, state);
  for (const column of newColumns(statement)) yield* typed(statement, column);
}

function* assignments(statement: Statement): Generator<Hit> {
  if (statement.kind !== 'UpdateStmt') return;
  const seen = new Set<string>();
  for (const target of itemsOf(statement.node, 'targetList', 'ResTarget')) {
    const name = word(target, 'name');
    if (seen.has(name) && !('indirection' in target))
      yield hit(
        'column-assigned-twice',
        statement,
        `${quoteName(name)} is assigned twice: the server refuses it.`,
        ['one assignment'],
        { at: placeOf(statement, target) },
      );
    seen.add(name);
  }
}

const identifierBytesMax = 63;

function* names(statement: Statement): Generator<Hit> {
  const { kind, node } = statement;
  const given = [
    ...[...everyOf(node, 'ColumnDef')].map((each) => word(each, 'colname')),
    ...[...everyOf(node, 'Constraint')].map((each) => word(each, 'conname')),
    kind === 'IndexStmt' ? word(node, 'idxname') : '',
    kind === 'RenameStmt' ? word(node, 'newname') : '',
    kind === 'CreateStmt' ? tableOf(child(node, 'relation')).name : '',
  ];
  // The parser cuts them off as the server does: what fills all 63 bytes is looked for in the text.
  for (const name of new Set(given))
    if (byteLength(name) >= identifierBytesMax - 3 && isCutOff(statement.text, name))
      yield hit('identifier-too-long', statement, `The server cuts this name off: ${quoteName(name)}.`, [
        'a name of at most 63 bytes',
      ]);
}

function isCutOff(text: string, name: string): boolean {
  const at = text.toLowerCase().indexOf(name.toLowerCase());
  return at !== -1 && /^[\w$\u0080-\uffff]/.test(text.slice(at + name.length));
}

function byteLength(text: string): number {
  let bytes = 0;
  for (const point of text) {
    const code = point.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_00_00 ? 3 : 4;
  }
  return bytes;
}

function* repeatable(statement: Statement, state: FileState): Generator<Hit> {
  // In a transaction nothing is left half-way.
  if (state.transaction) return;
  const { kind, node } = statement;
  const what = {
    CreateStmt: 'CREATE TABLE IF NOT EXISTS',
    IndexStmt: `CREATE INDEX${flag(node, 'concurrent') ? ' CONCURRENTLY' : ''} IF NOT EXISTS`,
    CreateSchemaStmt: 'CREATE SCHEMA IF NOT EXISTS',
    CreateSeqStmt: 'CREATE SEQUENCE IF NOT EXISTS',
    CreateExtensionStmt: 'CREATE EXTENSION IF NOT EXISTS',
  }[kind];
  const missing = what !== undefined && !flag(node, 'if_not_exists') ? what : missingIn(statement, state);
  if (missing !== null)
    yield hit(
      'prefer-if-exists',
      statement,
      'When the file breaks off further down, it cannot be run again.',
      [missing],
    );
}

function missingIn(statement: Statement, state: FileState): string | null {
  if (statement.kind === 'DropStmt' && !flag(statement.node, 'missing_ok')) return 'DROP ... IF EXISTS';
  for (const { type, command, table } of alterationsOf(statement)) {
    if (state.isNew(table) || flag(command, 'missing_ok')) continue;
    if (type === 'AT_AddColumn') return 'ADD COLUMN IF NOT EXISTS';
    if (type === 'AT_DropColumn') return 'DROP COLUMN IF EXISTS';
  }
  return null;
}

function newColumns(statement: Statement): readonly SqlNode[] {
  if (statement.kind === 'CreateStmt') return itemsOf(statement.node, 'tableElts', 'ColumnDef');
  return alterationsOf(statement)
    .filter(({ type }) => type === 'AT_AddColumn')
    .map(({ column }) => column);
}

const SERIALS: Readonly<Record<string, string>> = {
  smallserial: 'smallint',
  serial2: 'smallint',
  serial: 'integer',
  serial4: 'integer',
  bigserial: 'bigint',
  serial8: 'bigint',
};

function* typed(statement: Statement, column: SqlNode): Generator<Hit> {
  const type = typeOf(child(column, 'typeName'));
  const name = quoteName(word(column, 'colname'));
  const at = placeOf(statement, column);
  const serial = SERIALS[type.name];
  const isKey = columnConstraint(column, 'CONSTR_PRIMARY') ?? columnConstraint(column, 'CONSTR_FOREIGN');
  if (
    (isKey && (type.name === 'int4' || type.name === 'int2')) ||
    (serial !== undefined && serial !== 'bigint')
  )
    yield hit(
      'prefer-bigint',
      statement,
      `${name} ends at ${type.name === 'int2' || serial === 'smallint' ? '32,767' : '2,147,483,647'}, and a wider key is a rewrite.`,
      [`${name} bigint`],
      { at },
    );
  if (serial !== undefined)
    yield hit(
      'prefer-identity',
      statement,
      `The sequence of ${name} has rights and an owner of its own.`,
      [`${name} bigint GENERATED ALWAYS AS IDENTITY`],
      { at },
    );
  const advice = plainAdvice(type);
  if (advice) yield hit(advice.rule, statement, `${name}: ${advice.why}`, [`${name} ${advice.safe}`], { at });
}

function plainAdvice(type: TypeName) {
  if (type.name === 'varchar' && type.mods.length > 0)
    return {
      rule: 'prefer-text',
      why: 'varchar(n) is no faster than text, and its length is changed by ALTER TABLE.',
      safe: 'text CHECK (...)',
    } as const;
  if (type.name === 'timestamp')
    return {
      rule: 'prefer-timestamptz',
      why: 'without a zone it means another moment for each session.',
      safe: 'timestamptz',
    } as const;
  if (type.name === 'bpchar')
    return { rule: 'no-char-n', why: 'char(n) is filled up with spaces.', safe: 'text CHECK (...)' } as const;
  return null;
}
