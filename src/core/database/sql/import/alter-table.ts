/** An ALTER TABLE of a migration, command by command: what only adds, what waits for the old version to be gone. */
import { widens } from '../column-type.ts';
import type { SqlNode } from '../parsed.ts';
import { type Alteration, alterationsOf, type Statement } from '../statement.ts';
import { child, flag, keyOf, quoteName, showTable, tableOf, typeOf, word, words } from '../tree.ts';
import { importColumn, requiredLater } from './columns.ts';
import { commandTexts, constraintBody } from './commands.ts';
import { type Importing, sourceOf } from './parts.ts';

export function importAlterTable(into: Importing, statement: Statement): void {
  const alterations = alterationsOf(statement);
  const table = tableOf(child(statement.node, 'relation'));
  if (into.state.isNew(table) || alterations.length === 0) {
    into.expand(`${sourceOf(statement)};`);
    return;
  }
  const texts = commandTexts(statement, alterations.length);
  if (!texts) {
    into.expand(`${sourceOf(statement)};`);
    into.open(statement, `This ALTER TABLE could not be taken apart: it is in expand.sql as it was.`);
    return;
  }
  for (const [i, alteration] of alterations.entries())
    importCommand(into, statement, alteration, texts[i] ?? '');
}

function importCommand(into: Importing, statement: Statement, alteration: Alteration, text: string): void {
  const { table, type, name, constraint, command } = alteration;
  const alter = `ALTER TABLE ${showTable(table)}`;
  const column = quoteName(name);
  switch (type) {
    case 'AT_AddColumn':
      importColumn(into, statement, alteration, text);
      return;
    case 'AT_DropColumn':
      into.expand(`${alter} ALTER COLUMN ${column} DROP NOT NULL;`);
      into.contract(`${alter} ${text};`);
      into.note(
        statement,
        `${showTable(table)}.${column} is dropped in contract.sql: nothing brings its values back after that. Until then it may be NULL, because the new version does not write it.`,
      );
      return;
    case 'AT_SetNotNull':
      into.contract(...into.fillsOf(table, name), ...requiredLater(into, table, name));
      into.note(
        statement,
        `${showTable(table)}.${column} is required in contract.sql, when the old version is gone; rows that are NULL have to be filled in backfill.sql, and there once more, because the old version may write others.`,
      );
      return;
    case 'AT_DropNotNull':
      into.expand(`${alter} ${text};`);
      into.note(
        statement,
        `Once there are NULLs in ${showTable(table)}.${column}, the old version has to cope with them; revert.sql leaves the column as it is.`,
      );
      return;
    case 'AT_ColumnDefault':
      if ('def' in command) into.expand(`${alter} ${text};`);
      else into.contract(`${alter} ${text};`);
      into.note(
        statement,
        `The default of ${showTable(table)}.${column} before is not known: revert.sql does not put it back.`,
      );
      return;
    case 'AT_AlterColumnType':
      retype(into, statement, alteration, text);
      return;
    case 'AT_AddConstraint':
      addConstraint(into, statement, alteration, text);
      return;
    case 'AT_DropConstraint':
      into.expand(`${alter} ${text};`);
      into.note(
        statement,
        `The constraint ${column} is dropped in expand.sql, because the new version may break it; revert.sql cannot put it back.`,
      );
      return;
    case 'AT_ValidateConstraint':
      (into.parts.contract.some((sql) => sql.includes(`ADD CONSTRAINT ${column} `))
        ? into.parts.contract
        : into.parts.expand
      ).push(`${alter} ${text};`);
      return;
    default:
      into.expand(`${alter} ${text};`);
      if (word(constraint, 'contype') !== '' || LOCKING.test(type))
        into.open(statement, `${text} works on the whole table under a lock: it is in expand.sql as it was.`);
  }
}

const LOCKING =
  /^AT_(?:SetLogged|SetUnLogged|SetAccessMethod|SetTableSpace|AttachPartition|DetachPartition)$/;

function retype(
  into: Importing,
  statement: Statement,
  { table, name, column }: Alteration,
  text: string,
): void {
  const was = into.state.history.typeOfColumn(table, name);
  const wanted = typeOf(child(column, 'typeName'));
  if (was && !('raw_default' in column) && widens(was, wanted)) {
    into.expand(`ALTER TABLE ${showTable(table)} ${text};`);
    return;
  }
  into.open(
    statement,
    `The type of ${showTable(table)}.${quoteName(name)} cannot be changed in steps by plain SQL alone: declare it in a change.yaml of its own (changeType). It was left out.`,
  );
}

/** What tightens waits until no old version is left that could break it, unless that never writes the columns. */
function addConstraint(
  into: Importing,
  statement: Statement,
  { table, constraint }: Alteration,
  text: string,
): void {
  const type = word(constraint, 'contype');
  const columns = [...words(constraint, 'keys'), ...words(constraint, 'fk_attrs')];
  const isOwn = columns.length > 0 && columns.every((each) => into.added.has(`${keyOf(table)}.${each}`));
  const phase = isOwn ? into.parts.expand : into.parts.contract;
  const alter = `ALTER TABLE ${showTable(table)}`;
  const name = quoteName(nameOf(table.name, type, columns, constraint));
  const drop = `ALTER TABLE IF EXISTS ${showTable(table)} DROP CONSTRAINT IF EXISTS ${name};`;
  if (isOwn) into.revert(drop);
  if (word(constraint, 'indexname') !== '' || flag(constraint, 'skip_validation')) {
    phase.push(`${alter} ${text};`);
    return;
  }
  if (type === 'CONSTR_UNIQUE' || type === 'CONSTR_PRIMARY') {
    const kind = type === 'CONSTR_UNIQUE' ? 'UNIQUE' : 'PRIMARY KEY';
    phase.push(
      `CREATE UNIQUE INDEX CONCURRENTLY ${name} ON ${showTable(table)} (${columns.map(quoteName).join(', ')});`,
      ...(type === 'CONSTR_PRIMARY' ? columns.flatMap((column) => requiredLater(into, table, column)) : []),
      `${alter} ADD CONSTRAINT ${name} ${kind} USING INDEX ${name};`,
    );
    return;
  }
  if (type === 'CONSTR_FOREIGN' || type === 'CONSTR_CHECK') {
    const body = constraintBody(text.replace(/^ADD\s+/i, ''));
    phase.push(`${alter} ADD CONSTRAINT ${name} ${body} NOT VALID;`, `${alter} VALIDATE CONSTRAINT ${name};`);
    return;
  }
  into.contract(`${alter} ${text};`);
  into.open(
    statement,
    `There is no way to add this constraint to a table in use without a lock: it is in contract.sql as it was.`,
  );
}

function nameOf(table: string, type: string, columns: readonly string[], constraint: SqlNode): string {
  const suffix = { CONSTR_UNIQUE: 'key', CONSTR_PRIMARY: 'pkey', CONSTR_FOREIGN: 'fkey' }[type] ?? 'check';
  const parts = type === 'CONSTR_PRIMARY' ? [table, suffix] : [table, ...columns, suffix];
  return word(constraint, 'conname') || parts.join('_');
}
