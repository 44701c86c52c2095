/** The shape of change.yaml, once: what is checked, what it means (core's `Operation`), what editors complete. */
import * as z from 'zod';
import type { Operation } from '../../core/database/change.ts';
import { isName, madeName, NAME_BYTES_MAX, parseTableName } from '../../core/database/identifier.ts';
import { limits } from '../../core/limits.ts';
import { duration, text } from '../file/values.ts';

const COLUMN = `the name of a column, at most ${NAME_BYTES_MAX} bytes`;
const column = () => z.string(COLUMN).refine(isName, COLUMN);
const NAME = `a name of at most ${NAME_BYTES_MAX} bytes`;
const named = () => z.string(NAME).refine(isName, NAME);
const columns = () => z.array(column(), 'a list of columns').min(1, 'at least one column');

const TABLE = 'the name of a table such as users or app.users';

const table = () =>
  z.string(TABLE).transform((value, context) => {
    const name = parseTableName(value);
    if (name) return name;
    context.issues.push({ code: 'custom', input: value, message: TABLE });
    return z.NEVER;
  });

const type = () => text('a type such as text or numeric(10,2)').describe('Its type, as in SQL.');
const EXPRESSION = 'an SQL expression over the columns of the row';
const expression = () =>
  z.union([text(EXPRESSION), z.number(EXPRESSION), z.boolean(EXPRESSION)], EXPRESSION).transform(String);
const yes = () => z.boolean('true or false').prefault(false);

const onTable = { table: table().describe('Name of the table; the schema is public when none is given.') };
const onColumn = { ...onTable, column: column().describe('Name of the column, exactly as it is.') };
const enforce = z
  .enum(['expand', 'contract'], 'expand or contract')
  .prefault('contract')
  .describe('contract: once no old version is left. expand: at once, where no old version breaks it.');

const newColumn = {
  type: type(),
  notNull: yes().describe('Whether it must have a value.'),
  default: expression().optional().describe('As in SQL: text in quotes.'),
};

/** One map per operation; its key is the name of the operation. */
const shapes = {
  addColumn: z
    .strictObject({
      ...onColumn,
      ...newColumn,
      up: expression().optional().describe('Fills it in rows that were written without it.'),
      from: z
        .array(column(), 'a list of columns')
        .prefault([])
        .describe('Columns whose change works "up" out again.'),
    })
    .describe('Adds a column.'),
  renameColumn: z
    .strictObject({ ...onColumn, to: column().describe('The new name.') })
    .describe('Gives a column another name.'),
  changeType: z
    .strictObject({
      ...onColumn,
      type: type(),
      to: column()
        .optional()
        .describe('The name of the column with the new type. Without it: in place, where that is safe.'),
      up: expression().optional().describe('The new value from the old one. Default: a cast.'),
      down: expression().optional().describe('The old value from the new one. Default: a cast.'),
    })
    .describe('Gives a column another type.'),
  dropColumn: z
    .strictObject({
      ...onColumn,
      down: expression().optional().describe('What old versions find in rows of the new one.'),
    })
    .describe('Drops a column.'),
  splitColumn: z
    .strictObject({
      ...onColumn,
      into: z
        .record(
          column(),
          z.strictObject({ type: type(), up: expression().describe('Its value from the old column.') }),
          'columns, each with type and up',
        )
        .describe('The new columns.'),
      down: expression().describe('The old value from the new columns.'),
    })
    .describe('Makes several columns of one.'),
  mergeColumns: z
    .strictObject({
      ...onTable,
      columns: z
        .record(column(), expression(), 'the old columns, each with its value from the new one')
        .describe('The old columns, each with its value from the new one.'),
      into: column().describe('The new column.'),
      type: type(),
      up: expression().describe('The new value from the old columns.'),
    })
    .describe('Makes one column of several.'),
  setNotNull: z
    .strictObject({ ...onColumn, up: expression().optional().describe('The value where there is none.') })
    .describe('Makes a column NOT NULL.'),
  dropNotNull: z
    .strictObject({
      ...onColumn,
      down: expression().optional().describe('The value for NULL on the way back.'),
    })
    .describe('Lets a column be NULL.'),
  setDefault: z
    .strictObject({ ...onColumn, default: expression().describe('As in SQL: text in quotes.') })
    .describe('Gives a column a default.'),
  dropDefault: z.strictObject(onColumn).describe('Takes the default from a column.'),
  addUnique: z
    .strictObject({ ...onTable, columns: columns(), name: named().optional(), enforce })
    .describe('Adds a unique constraint.'),
  addCheck: z
    .strictObject({
      ...onTable,
      check: expression().describe('What must be true of each row.'),
      name: named(),
      enforce,
    })
    .describe('Adds a check.'),
  addForeignKey: z
    .strictObject({
      ...onTable,
      columns: columns(),
      references: z.strictObject({ table: table(), columns: columns() }),
      onDelete: z
        .enum(
          ['cascade', 'restrict', 'set null', 'set default'],
          'cascade, restrict, set null or set default',
        )
        .optional(),
      name: named().optional(),
      enforce,
    })
    .describe('Adds a foreign key.'),
  dropConstraint: z
    .strictObject({ ...onTable, name: named() })
    .describe('Drops a unique, check or foreign-key constraint.'),
  createIndex: z
    .strictObject({
      ...onTable,
      on: z
        .array(text('a column, or an expression in parentheses'), 'a list of columns')
        .min(1, 'at least one column')
        .describe('Columns, or expressions in parentheses.'),
      name: named().optional(),
      unique: yes(),
      method: named().prefault('btree'),
      include: z.array(column(), 'a list of columns').prefault([]),
      where: expression().optional(),
    })
    .describe('Creates an index, CONCURRENTLY.'),
  dropIndex: z.strictObject({ ...onTable, name: named() }).describe('Drops an index, CONCURRENTLY.'),
  createTable: z
    .strictObject({
      ...onTable,
      columns: z.record(column(), z.strictObject(newColumn), 'columns, each with its type'),
      primaryKey: z.array(column(), 'a list of columns').prefault([]),
    })
    .describe('Creates a table.'),
  renameTable: z
    .strictObject({ ...onTable, to: named().describe('The new name, in the same schema.') })
    .describe('Gives a table another name.'),
  dropTable: z.strictObject(onTable).describe('Drops a table.'),
  moveRows: z
    .strictObject({
      ...onTable,
      to: table().describe('The table that they move to.'),
      columns: z
        .record(column(), expression(), 'columns and their values')
        .describe('Columns there, and their values from a row here.'),
      down: z
        .record(column(), expression(), 'columns and their values')
        .describe('Columns here, and their values from a row there.'),
    })
    .describe("Moves a table's rows to another."),
  addEnumValue: z
    .strictObject({
      enum: table().describe('Name of the type.'),
      value: text('a value'),
      before: text('a value').optional(),
      after: text('a value').optional(),
    })
    .describe('Adds a value to an enum.'),
  sql: z
    .strictObject({
      up: text('SQL').describe('Run at the expand, in one transaction.'),
      down: text('SQL').optional().describe('Run on the way back.'),
      contract: text('SQL').optional().describe('Run at the contract.'),
      lock: text('a LOCK statement')
        .optional()
        .describe('Takes its locks before "up": all within the limit, or none.'),
    })
    .describe('SQL of your own.'),
};

const NAMES = Object.keys(shapes);
const ONE = `one operation: ${NAMES.join(', ')}`;

const operation = z
  .strictObject(
    {
      addColumn: shapes.addColumn.optional(),
      renameColumn: shapes.renameColumn.optional(),
      changeType: shapes.changeType.optional(),
      dropColumn: shapes.dropColumn.optional(),
      splitColumn: shapes.splitColumn.optional(),
      mergeColumns: shapes.mergeColumns.optional(),
      setNotNull: shapes.setNotNull.optional(),
      dropNotNull: shapes.dropNotNull.optional(),
      setDefault: shapes.setDefault.optional(),
      dropDefault: shapes.dropDefault.optional(),
      addUnique: shapes.addUnique.optional(),
      addCheck: shapes.addCheck.optional(),
      addForeignKey: shapes.addForeignKey.optional(),
      dropConstraint: shapes.dropConstraint.optional(),
      createIndex: shapes.createIndex.optional(),
      dropIndex: shapes.dropIndex.optional(),
      createTable: shapes.createTable.optional(),
      renameTable: shapes.renameTable.optional(),
      dropTable: shapes.dropTable.optional(),
      moveRows: shapes.moveRows.optional(),
      addEnumValue: shapes.addEnumValue.optional(),
      sql: shapes.sql.optional(),
    },
    ONE,
  )
  .refine((value) => Object.keys(value).length === 1, ONE)
  .transform((value): Operation => operationOf(value));

type Written = { readonly [Name in keyof typeof shapes]?: z.output<(typeof shapes)[Name]> | undefined };

function operationOf(written: Written): Operation {
  const { addColumn, changeType, createIndex, addUnique, addForeignKey, createTable } = written;
  if (addColumn) {
    const { type: columnType, default: value, up, ...rest } = addColumn;
    return { ...rest, type: 'addColumn', columnType, default: value ?? null, up: up ?? null };
  }
  if (changeType) {
    const { type: columnType, to, up, down, ...rest } = changeType;
    return { ...rest, type: 'changeType', columnType, to: to ?? null, up: up ?? null, down: down ?? null };
  }
  if (createIndex) {
    const { name, where, ...rest } = createIndex;
    const plain = rest.on.map((each) => each.replace(/\W+/g, '_'));
    const made = madeName(rest.table.name, ...plain, rest.unique ? 'key' : 'idx');
    return { ...rest, type: 'createIndex', name: name ?? made, where: where ?? null };
  }
  if (addUnique)
    return {
      ...addUnique,
      type: 'addUnique',
      name: addUnique.name ?? madeName(addUnique.table.name, ...addUnique.columns, 'key'),
    };
  if (addForeignKey) {
    const { onDelete, name, ...rest } = addForeignKey;
    const made = madeName(rest.table.name, ...rest.columns, 'fkey');
    return { ...rest, type: 'addForeignKey', name: name ?? made, onDelete: onDelete ?? null };
  }
  if (createTable) {
    const plain = Object.entries(createTable.columns).map(
      ([name, { type: columnType, notNull, default: value }]) =>
        [name, { columnType, notNull, default: value ?? null }] as const,
    );
    return { ...createTable, type: 'createTable', columns: Object.fromEntries(plain) };
  }
  return otherOperation(written);
}

function otherOperation(written: Written): Operation {
  const { splitColumn, mergeColumns, dropColumn, setNotNull, dropNotNull, addEnumValue, sql } = written;
  if (splitColumn) {
    const into = Object.entries(splitColumn.into).map(
      ([name, { type: columnType, up }]) => [name, { columnType, up }] as const,
    );
    return { ...splitColumn, type: 'splitColumn', into: Object.fromEntries(into) };
  }
  if (mergeColumns) {
    const { type: columnType, ...rest } = mergeColumns;
    return { ...rest, type: 'mergeColumns', columnType };
  }
  if (dropColumn) return { ...dropColumn, type: 'dropColumn', down: dropColumn.down ?? null };
  if (setNotNull) return { ...setNotNull, type: 'setNotNull', up: setNotNull.up ?? null };
  if (dropNotNull) return { ...dropNotNull, type: 'dropNotNull', down: dropNotNull.down ?? null };
  if (addEnumValue)
    return {
      ...addEnumValue,
      type: 'addEnumValue',
      before: addEnumValue.before ?? null,
      after: addEnumValue.after ?? null,
    };
  if (sql)
    return {
      type: 'sql',
      up: sql.up,
      down: sql.down ?? null,
      contract: sql.contract ?? null,
      lock: sql.lock ?? null,
    };
  return plainOperation(written);
}

/** Those that mean what they say, word for word. */
function plainOperation(written: Written): Operation {
  const {
    renameColumn,
    setDefault,
    dropDefault,
    addCheck,
    dropConstraint,
    dropIndex,
    renameTable,
    dropTable,
    moveRows,
  } = written;
  if (renameColumn) return { ...renameColumn, type: 'renameColumn' };
  if (setDefault) return { ...setDefault, type: 'setDefault' };
  if (dropDefault) return { ...dropDefault, type: 'dropDefault' };
  if (addCheck) return { ...addCheck, type: 'addCheck' };
  if (dropConstraint) return { ...dropConstraint, type: 'dropConstraint' };
  if (dropIndex) return { ...dropIndex, type: 'dropIndex' };
  if (renameTable) return { ...renameTable, type: 'renameTable' };
  if (dropTable) return { ...dropTable, type: 'dropTable' };
  if (moveRows) return { ...moveRows, type: 'moveRows' };
  throw new TypeError('an operation without a name passed the check');
}

const queries = (version: string) =>
  z
    .array(text('an SQL statement'), 'a list of SQL statements')
    .max(limits.rehearsal.queriesMax, `at most ${limits.rehearsal.queriesMax} statements`)
    .prefault([])
    .describe(`Statements of the version ${version} the change, with $1, $2 where values are.`);

export const change = z.strictObject(
  {
    keep: duration(0, limits.file.keepMaxMs)
      .prefault('1d')
      .describe('How long old columns and tables stay, kept in step, after the contract.'),
    operations: z
      .array(operation, `a list of operations: ${NAMES.join(', ')}`)
      .min(1, 'at least one operation')
      .max(limits.database.operationsMax, `at most ${limits.database.operationsMax} operations`)
      .describe('What is changed, in this order.'),
    rehearse: z
      .strictObject(
        { old: queries('from before'), new: queries('made with') },
        'old and new, each a list of statements',
      )
      .optional()
      .describe(
        'What programs send, for "segue database rehearse". Not part of the change: it may be edited.',
      ),
  },
  'keep and operations',
);
