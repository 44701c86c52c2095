/**
 * A migration in one piece, as an ORM writes it, taken apart into what may run before the new version, what fills
 * rows, and what waits until the old version is gone. Where that cannot be done it is said, and nothing is guessed.
 */
import { type Grammar, readBody } from '../bodies.ts';
import { FileState } from '../file-state.ts';
import { History } from '../history.ts';
import type { Server } from '../server.ts';
import { splitSql, statementText } from '../split.ts';
import type { Statement } from '../statement.ts';
import {
  child,
  flag,
  items,
  keyOf,
  quoteName,
  showTable,
  tableOf,
  tableOfParts,
  word,
  words,
} from '../tree.ts';
import { importAlterTable } from './alter-table.ts';
import { importData } from './data.ts';
import { Importing, type ImportNote, type Parts, sourceOf } from './parts.ts';

export interface ImportedChange {
  readonly parts: Parts;
  readonly notes: readonly ImportNote[];
}

/** `history` goes on from one migration to the next. */
export function splitChange(
  text: string,
  grammar: Grammar,
  server: Server,
  history = new History(),
): ImportedChange {
  const state = new FileState(server, history, { phase: null, inTransaction: false });
  const into = new Importing(state, grammar);
  for (const piece of splitSql(text).pieces) {
    const source = statementText(text, piece);
    if (piece.type === 'meta') {
      into.notes.push({
        at: piece.start,
        open: true,
        message: `${source} is a command of psql, and was left out.`,
      });
      continue;
    }
    const parsed = grammar.parse(source);
    if (!parsed.ok) {
      into.notes.push({
        at: piece.start + parsed.at,
        open: true,
        message: `Left out, because it cannot be parsed: ${parsed.message}.`,
      });
      continue;
    }
    for (const each of parsed.statements) {
      const statement = { ...each, text: source, base: piece.start, inBody: false };
      importStatement(into, statement);
      state.advance(statement);
    }
  }
  return { parts: into.parts, notes: into.notes };
}

function importStatement(into: Importing, statement: Statement): void {
  const { kind } = statement;
  const known = HANDLERS[kind];
  if (known) known(into, statement);
  else into.expand(`${sourceOf(statement)};`);
}

type Handler = (into: Importing, statement: Statement) => void;

/** Each statement of a change is a transaction of its own, under a lock_timeout of Segue's. */
const leaveOut: Handler = () => undefined;

const HANDLERS: Readonly<Record<string, Handler>> = {
  TransactionStmt: leaveOut,
  VariableSetStmt: (into, statement) => {
    if (!/^(?:lock_timeout|statement_timeout)$/.test(word(statement.node, 'name')))
      into.note(
        statement,
        `${sourceOf(statement)} was left out: each statement runs in a session of its own.`,
      );
  },
  AlterTableStmt: (into, statement) => {
    if (word(statement.node, 'objtype') === 'OBJECT_TABLE') importAlterTable(into, statement);
    else into.expand(`${sourceOf(statement)};`);
  },
  CreateStmt: (into, statement) => {
    into.expand(`${sourceOf(statement)};`);
    into.revert(`DROP TABLE IF EXISTS ${showTable(tableOf(child(statement.node, 'relation')))};`);
  },
  IndexStmt: createIndex,
  RenameStmt: rename,
  DropStmt: drop,
  TruncateStmt: (into, statement) => {
    into.contract(`${sourceOf(statement)};`);
    into.note(statement, 'The rows are thrown away in contract.sql: nothing brings them back after that.');
  },
  UpdateStmt: importData,
  DeleteStmt: importData,
  InsertStmt: importData,
  AlterEnumStmt: enumeration,
  DoStmt: inside,
  CreateEnumStmt: (into, statement) => made(into, statement, 'TYPE', 'typeName'),
  CompositeTypeStmt: (into, statement) => made(into, statement, 'TYPE', 'typevar'),
  CreateSeqStmt: (into, statement) => made(into, statement, 'SEQUENCE', 'sequence'),
  ViewStmt: (into, statement) => {
    if (!flag(statement.node, 'replace')) {
      made(into, statement, 'VIEW', 'view');
      return;
    }
    into.expand(`${sourceOf(statement)};`);
    into.note(statement, 'What the view was before is not known: revert.sql does not put it back.');
  },
};

function made(into: Importing, statement: Statement, what: string, where: string): void {
  const names = words(statement.node, where);
  const relation = tableOf(child(statement.node, where));
  const shown = names.length > 0 ? showTable(tableOfParts(names)) : showTable(relation);
  into.expand(`${sourceOf(statement)};`);
  into.revert(`DROP ${what} IF EXISTS ${shown};`);
}

function createIndex(into: Importing, statement: Statement): void {
  const { node } = statement;
  const table = tableOf(child(node, 'relation'));
  const source = sourceOf(statement);
  if (into.state.isNew(table)) {
    into.expand(`${source};`);
    return;
  }
  const columns = items(node, 'indexParams').map((each) => word(each.node, 'name'));
  const given = word(node, 'idxname');
  // As the server would call it; without a name it could neither be looked for nor dropped.
  const name = given || [table.name, ...columns.map((column) => column || 'expr'), 'idx'].join('_');
  const concurrent = source.replace(
    /^(CREATE\s+(?:UNIQUE\s+)?INDEX)(?:\s+CONCURRENTLY)?\b/i,
    `$1 CONCURRENTLY${given === '' ? ` ${quoteName(name)}` : ''}`,
  );
  const isOwn = columns.every((column) => into.added.has(`${keyOf(table)}.${column}`));
  // It refuses rows that the old version may still write.
  if (flag(node, 'unique') && !isOwn) {
    into.contract(`${concurrent};`);
    into.note(statement, laterUnique(showTable(table)));
  } else {
    into.expand(`${concurrent};`);
    if (name !== '')
      into.revert(`DROP INDEX CONCURRENTLY IF EXISTS ${showTable({ schema: table.schema, name })};`);
  }
}

function laterUnique(table: string): string {
  return `Rows of ${table} are unique from contract.sql on, because the old version may still write others: until then ON CONFLICT has nothing to go by.`;
}

function rename(into: Importing, statement: Statement): void {
  const { node } = statement;
  const type = word(node, 'renameType');
  const table = tableOf(child(node, 'relation'));
  const isUnused = /^OBJECT_(?:INDEX|TABCONSTRAINT|SEQUENCE|TRIGGER|POLICY|RULE)$/.test(type);
  if (isUnused || (table.name !== '' && into.state.isNew(table))) {
    into.expand(`${sourceOf(statement)};`);
    return;
  }
  if (type !== 'OBJECT_TABLE') {
    const what =
      type === 'OBJECT_COLUMN' ? `${showTable(table)}.${quoteName(word(node, 'subname'))}` : 'This';
    const way =
      type === 'OBJECT_COLUMN'
        ? 'declare it in a change.yaml of its own (renameColumn)'
        : 'make a new one beside it';
    into.open(statement, `${what} cannot be renamed in steps by plain SQL alone: ${way}. It was left out.`);
    return;
  }
  const to = { schema: table.schema, name: word(node, 'newname') };
  const shown = showTable(table);
  into.expand(
    `DO $$ BEGIN\n  ${sourceOf(statement)};\n  CREATE VIEW ${shown} AS SELECT * FROM ${showTable(to)};\nEND $$;`,
  );
  into.contract(`DROP VIEW ${shown};`);
  into.revert(
    `DO $$ BEGIN\n  IF to_regclass(${quoteText(showTable(to))}) IS NOT NULL THEN\n    DROP VIEW IF EXISTS ${shown};\n    ALTER TABLE ${showTable(to)} RENAME TO ${quoteName(table.name)};\n  END IF;\nEND $$;`,
  );
  into.note(
    statement,
    `Until contract.sql, ${shown} is a view: it takes reads, INSERT, UPDATE and DELETE, but no TRUNCATE, LOCK or foreign key.`,
  );
}

const quoteText = (text: string) => `'${text.replaceAll("'", "''")}'`;

function drop(into: Importing, statement: Statement): void {
  const { node } = statement;
  const type = word(node, 'removeType');
  const source = sourceOf(statement);
  const names = items(node, 'objects').map((each) => tableOfParts(words(each.node, 'items')));
  if (names.some((name) => into.state.isNew(name))) {
    into.expand(`${source};`);
    return;
  }
  if (type === 'OBJECT_INDEX') {
    // Not in a transaction with its record: it may have to be done again.
    const quick = names.map((name) => `DROP INDEX CONCURRENTLY IF EXISTS ${showTable(name)};`);
    into.contract(...quick);
    into.note(
      statement,
      'The index serves the old version until contract.sql; nothing makes it again after that.',
    );
    return;
  }
  into.contract(`${source};`);
  into.note(statement, `${source} waits for contract.sql: nothing brings it back after that.`);
}

function enumeration(into: Importing, statement: Statement): void {
  const { node } = statement;
  const type = items(node, 'typeName')
    .map((each) => quoteName(word(each.node, 'sval')))
    .join('.');
  if (word(node, 'oldVal') === '') {
    // It is there still when the change is made again after a revert.
    const source = sourceOf(statement).replace(/\bADD\s+VALUE\s+(?!IF\b)/i, 'ADD VALUE IF NOT EXISTS ');
    into.expand(`${source};`);
    into.note(statement, `A value of ${type} cannot be taken away again: after a revert it stays, unused.`);
    return;
  }
  into.open(
    statement,
    `A value of ${type} cannot be renamed while the old version uses it: add '${word(node, 'newVal')}', write that, and change the rows in backfill.sql. It was left out.`,
  );
}

/** Drizzle wraps single statements so that they may fail: then it is the statement that counts. */
function inside(into: Importing, statement: Statement): void {
  const parts = readBody(statement, into.grammar, null);
  const [only, ...more] = parts;
  const [inner, ...others] = only?.type === 'statements' ? only.statements : [];
  if (
    inner &&
    more.length === 0 &&
    others.length === 0 &&
    !/\bIF\b[\s\S]*\bTHEN\b|\bLOOP\b/i.test(sourceOf(statement))
  ) {
    importStatement(into, { ...inner, base: statement.base + statement.start, start: inner.start });
    return;
  }
  into.expand(`${sourceOf(statement)};`);
  into.open(statement, 'A DO cannot be taken apart: it is in expand.sql as it was.');
}
