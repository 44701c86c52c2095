/** Tables that come and go, and rows that move from one to another with both kept in step. */
import type { AddEnumValue, CreateTable, DropTable, MoveRows, RawSql, RenameTable } from '../change.ts';
import type { KeyColumn, TableFacts } from '../facts.ts';
import {
  madeName,
  quoteName,
  quoteNames,
  quoteTable,
  quoteText,
  showTable,
  type TableName,
} from '../identifier.ts';
import { type Compiled, NOTHING, type Step } from '../step.ts';
import { BACKFILL_SETTING, dropTrigger, functionSql } from '../triggers.ts';
import { alter, columnOf, type Context, refuse, step, tableOf } from './context.ts';

export function createTable({ table, columns, primaryKey }: CreateTable, context: Context): Compiled {
  if (context.facts[quoteTable(table)]) refuse(`There is a table ${showTable(table)} already.`);
  const lines = Object.entries(columns).map(([name, { columnType, notNull, default: value }]) =>
    [quoteName(name), columnType, notNull ? 'NOT NULL' : '', value === null ? '' : `DEFAULT ${value}`]
      .filter((part) => part !== '')
      .join(' '),
  );
  if (primaryKey.length > 0) lines.push(`PRIMARY KEY (${quoteNames(primaryKey)})`);
  return {
    ...NOTHING,
    expand: [
      step(
        context,
        'create',
        `create the table ${showTable(table)}`,
        [],
        `CREATE TABLE ${quoteTable(table)} (${lines.join(', ')})`,
      ),
    ],
    revert: [
      step(
        context,
        'revert',
        `drop the table ${showTable(table)}`,
        [table],
        `DROP TABLE IF EXISTS ${quoteTable(table)}`,
      ),
    ],
    losses: [
      { what: `rows of ${showTable(table)}`, exists: `SELECT EXISTS (SELECT FROM ${quoteTable(table)})` },
    ],
  };
}

export function dropTable({ table }: DropTable, context: Context): Compiled {
  const { referencedBy } = tableOf(context, table);
  mustNotBeReferenced(table, referencedBy);
  return {
    ...NOTHING,
    finish: [
      step(
        context,
        'drop',
        `drop the table ${showTable(table)}`,
        [table],
        `DROP TABLE IF EXISTS ${quoteTable(table)}`,
      ),
    ],
  };
}

function mustNotBeReferenced(table: TableName, referencedBy: readonly { readonly name: string }[]): void {
  if (referencedBy.length === 0) return;
  const names = referencedBy.map(({ name }) => name).join(', ');
  refuse(`Foreign keys point at ${showTable(table)}: ${names}. Drop them in a change before this one.`);
}

/** A table of the new name, filled from the old one and kept in step with it: nobody has to ask for a view. */
export function renameTable({ table, to }: RenameTable, context: Context): Compiled {
  const { columns, constraints, referencedBy, key } = tableOf(context, table);
  const target = { schema: table.schema, name: to };
  if (context.facts[quoteTable(target)]) refuse(`There is a table ${showTable(target)} already.`);
  mustNotBeReferenced(table, referencedBy);
  const identity = columns.find((column) => column.identity);
  if (identity)
    refuse(
      `${showTable(table)}.${identity.name} is an identity column, whose numbers two tables cannot share.`,
    );
  if (!key) return refuse(noKey(table));
  const stored = columns.filter(({ generated }) => !generated).map(({ name }) => name);
  const same = Object.fromEntries(stored.map((name) => [name, quoteName(name)]));
  const moved = rowsInStep(context, { table, to: target, columns: same, down: same }, key, key);
  return {
    ...moved,
    expand: [
      step(
        context,
        'create',
        `create the table ${to}, made as ${showTable(table)} is`,
        [],
        `CREATE TABLE ${quoteTable(target)} (LIKE ${quoteTable(table)} INCLUDING ALL)`,
        grantsAgain(table, target),
      ),
      ...moved.expand,
    ],
    seal: foreignKeysAgain(context, constraints, target),
    finish: [
      step(
        context,
        'finish',
        `drop the table ${showTable(table)}`,
        [table, target],
        ...moved.finish.flatMap(({ run }) => (run.type === 'transaction' ? run.statements : [])),
        ...columns.flatMap(({ name, sequence }) =>
          sequence === null
            ? []
            : [`ALTER SEQUENCE ${sequence} OWNED BY ${quoteTable(target)}.${quoteName(name)}`],
        ),
        `DROP TABLE IF EXISTS ${quoteTable(table)}`,
      ),
    ],
    revert: [
      ...moved.revert,
      step(
        context,
        'revert-table',
        `drop the table ${to}`,
        [target],
        `DROP TABLE IF EXISTS ${quoteTable(target)}`,
      ),
    ],
  };
}

function foreignKeysAgain(
  context: Context,
  constraints: TableFacts['constraints'],
  target: TableName,
): Step[] {
  const foreign = constraints.filter(({ kind }) => kind === 'foreign');
  return foreign.flatMap(({ name, definition }) => {
    const copy = quoteName(madeName('segue', context.change.slice(0, 4), name));
    const whole = definition.replace(/ NOT VALID$/, '');
    return [
      step(
        context,
        `constraint.${name}`,
        `${name} for ${target.name} as well`,
        [target],
        alter(target, `ADD CONSTRAINT ${copy} ${whole} NOT VALID`),
      ),
      step(
        context,
        `validate.${name}`,
        `check ${target.name} against it`,
        [],
        alter(target, `VALIDATE CONSTRAINT ${copy}`),
      ),
    ];
  });
}

/** Who may use the one table may use the other. */
function grantsAgain(from: TableName, to: TableName): string {
  const each = `SELECT a.privilege_type AS what, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS whom FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = ${quoteText(quoteTable(from))}::regclass`;
  const grant = `EXECUTE format('GRANT %s ON %s TO %s', r.what, ${quoteText(quoteTable(to))}, r.whom)`;
  return `DO ${quoteText(`DECLARE r record; BEGIN FOR r IN ${each} LOOP ${grant}; END LOOP; END`)}`;
}

export function moveRows(operation: MoveRows, context: Context): Compiled {
  const { table, to, columns, down } = operation;
  const { key } = tableOf(context, table);
  const target = tableOf(context, to);
  for (const name of Object.keys(columns)) columnOf(context, to, name);
  for (const name of Object.keys(down)) columnOf(context, table, name);
  if (!key) return refuse(noKey(table));
  if (!target.key) return refuse(noKey(to));
  const missing = target.key.find(({ name }) => columns[name] === undefined);
  if (missing)
    refuse(`${showTable(to)}.${missing.name} is part of the key and has no expression under "columns".`);
  const lost = key.find(({ name }) => down[name] === undefined);
  if (lost) refuse(`${showTable(table)}.${lost.name} is part of the key and has no expression under "down".`);
  return rowsInStep(context, operation, key, target.key);
}

const noKey = (table: TableName) =>
  `${showTable(table)} has no key by which rows could be told apart: add a primary key, or a unique index over NOT NULL columns.`;

type Move = Pick<MoveRows, 'table' | 'to' | 'columns' | 'down'>;

function rowsInStep(
  context: Context,
  { table, to, columns, down }: Move,
  key: readonly KeyColumn[],
  targetKey: readonly KeyColumn[],
): Compiled {
  const forward = copyTrigger(context, 'f', table, to, columns, targetKey);
  const reverse = copyTrigger(context, 'r', to, table, down, key);
  const names = Object.keys(columns);
  const values = Object.values(columns)
    .map((expression) => `(${expression})`)
    .join(', ');
  const targetKeys = targetKey.map(({ name }) => name);
  return {
    ...NOTHING,
    expand: [
      step(
        context,
        'triggers',
        `keep ${showTable(table)} and ${showTable(to)} in step`,
        [table, to],
        ...forward.create,
        ...reverse.create,
      ),
    ],
    jobs: [
      {
        ...{ type: 'copy', id: `${context.index + 1}.copy`, table, key, rows: tableOf(context, table).rows },
        insert: `INSERT INTO ${quoteTable(to)} (${quoteNames(names)}) SELECT ${values} FROM segue_batch AS ${quoteName(table.name)} ${onConflict(names, targetKeys)}`,
      },
    ],
    contract: [
      step(context, 'drop-forward', `${showTable(table)} is written no more`, [table], ...forward.drop),
    ],
    finish: [
      step(context, 'drop-reverse', `${showTable(table)} is kept in step no more`, [to], ...reverse.drop),
    ],
    revert: [
      step(
        context,
        'revert',
        `stop keeping ${showTable(to)} in step`,
        [table, to],
        ...forward.drop,
        ...reverse.drop,
      ),
    ],
  };
}

/** What is there already is brought up to date: the other side of the pair has written here what was written there. */
function onConflict(names: readonly string[], keys: readonly string[]): string {
  const rest = names.filter((name) => !keys.includes(name)).map(quoteName);
  const update = rest.map((name) => `${name} = EXCLUDED.${name}`).join(', ');
  return `ON CONFLICT (${quoteNames(keys)}) ${rest.length === 0 ? 'DO NOTHING' : `DO UPDATE SET ${update}`}`;
}

/** Writes to one table what happens to the other; a setting of the transaction keeps the two from chasing each other. */
function copyTrigger(
  context: Context,
  direction: 'f' | 'r',
  from: TableName,
  to: TableName,
  columns: Readonly<Record<string, string>>,
  key: readonly KeyColumn[],
) {
  const name = madeName('zz_segue_move', direction, context.change, String(context.index), from.name);
  const setting = 'segue.moving';
  const names = Object.keys(columns);
  const keyNames = key.map((column) => column.name);
  const row = (record: 'OLD' | 'NEW') => `FROM (SELECT ${record}.*) AS ${quoteName(from.name)}`;
  const values = names.map((column) => `(${columns[column]})`).join(', ');
  const keyOf = (record: 'OLD' | 'NEW') =>
    `SELECT ${keyNames.map((column) => `(${columns[column]})`).join(', ')} ${row(record)}`;
  const body = [
    '#variable_conflict use_column',
    'BEGIN',
    `IF current_setting('${setting}', true) = 'on' OR current_setting('${BACKFILL_SETTING}', true) = 'on' THEN RETURN NULL; END IF;`,
    `PERFORM set_config('${setting}', 'on', true);`,
    `IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND (${keyOf('OLD')}) IS DISTINCT FROM (${keyOf('NEW')}) THEN`,
    `  DELETE FROM ${quoteTable(to)} AS segue_target WHERE (${keyNames.map((column) => `segue_target.${quoteName(column)}`).join(', ')}) = (${keyOf('OLD')});`,
    'END IF;',
    `IF TG_OP <> 'DELETE' THEN`,
    `  INSERT INTO ${quoteTable(to)} (${quoteNames(names)}) SELECT ${values} ${row('NEW')} ${onConflict(names, keyNames)};`,
    'END IF;',
    `PERFORM set_config('${setting}', 'off', true);`,
    'RETURN NULL;',
    'END',
  ].join('\n');
  const create = `CREATE TRIGGER ${quoteName(name)} AFTER INSERT OR UPDATE OR DELETE ON ${quoteTable(from)} FOR EACH ROW EXECUTE FUNCTION segue.${quoteName(name)}()`;
  return { name, create: [functionSql(name, from, body, true), create], drop: dropTrigger(name, from) };
}

export function addEnumValue({ enum: type, value, before, after }: AddEnumValue, context: Context): Compiled {
  const place =
    before !== null ? ` BEFORE ${quoteText(before)}` : after !== null ? ` AFTER ${quoteText(after)}` : '';
  return {
    ...NOTHING,
    // There is no way to take a value out of a type; one that nobody uses harms nobody.
    expand: [
      step(
        context,
        'enum',
        `add ${value} to ${showTable(type)}`,
        [],
        `ALTER TYPE ${quoteTable(type)} ADD VALUE IF NOT EXISTS ${quoteText(value)}${place}`,
      ),
    ],
  };
}

export function rawSql({ up, down, contract, lock }: RawSql, context: Context): Compiled {
  const locks = lock === null ? [] : [lock];
  return {
    ...NOTHING,
    expand: [step(context, 'sql', 'run its SQL', [], ...locks, up)],
    contract:
      contract === null ? [] : [step(context, 'sql-contract', 'run its SQL for the contract', [], contract)],
    revert:
      down === null ? [] : [step(context, 'sql-revert', 'run its SQL for the way back', [], ...locks, down)],
    losses: down === null ? [{ what: 'the way back of SQL that has no "down"', exists: 'SELECT true' }] : [],
  };
}
