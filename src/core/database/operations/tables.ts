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
import { mentions } from '../rename.ts';
import { type Compiled, type CopyJob, NOTHING, type Step } from '../step.ts';
import { alike, fillsOf } from '../triggers.ts';
import {
  alter,
  columnOf,
  type Context,
  mustHaveNoHeirs,
  mustSeeRows,
  refuse,
  step,
  tableOf,
} from './context.ts';
import type { Side } from './pair-parts.ts';
import { type PairSql, pairSql } from './pairs.ts';

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
  const made = { ...tableOf(context, table), table: target };
  const known = { ...context, facts: { ...context.facts, [quoteTable(target)]: made } };
  const moved = rowsInStep(known, { table, to: target, columns: same, down: same }, key, key);
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
  const { change, index } = context;
  const { indexes, rows } = tableOf(context, table);
  for (const each of [table, to]) {
    mustSeeRows(context, each);
    mustHaveNoHeirs(context, each);
  }
  const keys = (all: readonly KeyColumn[]) => all.map(({ name }) => name);
  const beside = Object.keys(down).filter((name) => !keys(key).includes(name));
  const pointedAt = indexes.some(({ unique, columns: on }) => unique && on.some((n) => beside.includes(n)));
  const pair = pairSql({
    ...{ change, index },
    old: { ...sideOf(context, table, key, down), pointedAt },
    new: { ...sideOf(context, to, targetKey, columns), pointedAt: false },
  });
  const pending = { table, settle: pair.settle };
  const names = [showTable(table), showTable(to)];
  return {
    ...NOTHING,
    expand: [
      step(
        context,
        'triggers',
        `keep ${names.join(' and ')} in step`,
        [table, to],
        ...pair.create,
        ...pair.createForward,
      ),
    ],
    jobs: [
      {
        ...{ type: 'copy', id: `${index + 1}.copy`, fills: fillsOf(change, index) },
        ...{ table, key, rows, pending, recall: pair.recall },
        ...copies(context, { table, to, columns, down }, keys(key), keys(targetKey), pair),
      },
    ],
    contract: [step(context, 'drop-forward', `${names[0]} is written no more`, [table], ...pair.dropForward)],
    finish: [step(context, 'drop-reverse', `${names[0]} is kept in step no more`, [to], ...pair.dropRest)],
    revert: [
      step(
        context,
        'revert',
        `stop keeping ${names[1]} in step`,
        [table, to],
        ...pair.dropForward,
        ...pair.dropRest,
      ),
    ],
    pending: [pending],
    restore: [
      step(
        context,
        'restore',
        `${names[0]} is written again`,
        [table],
        ...pair.dropForward,
        ...pair.createForward,
      ),
    ],
  };
}

function sideOf(
  context: Context,
  table: TableName,
  key: readonly KeyColumn[],
  columns: Readonly<Record<string, string>>,
): Omit<Side, 'pointedAt'> {
  const names = key.map(({ name }) => name);
  const known = tableOf(context, table).columns;
  return {
    ...{ table, columns, key: names },
    movable: !known.some(({ name, identity }) => identity && names.includes(name)),
    whole: known.every(({ name, generated }) => generated || columns[name] !== undefined),
  };
}

/** What was there before is brought up to date, but never over what the new version wrote meanwhile. */
function copies(
  context: Context,
  move: Move,
  oldKey: readonly string[],
  key: readonly string[],
  { settled }: PairSql,
): Pick<CopyJob, 'insert' | 'lock' | 'update'> {
  const { table, to, columns, down } = move;
  const names = Object.keys(columns);
  const batch = `FROM segue_batch AS ${quoteName(table.name)}`;
  const values = names.map((name) => `(${columns[name]})`).join(', ');
  const insert = `INSERT INTO ${quoteTable(to)} AS segue_target (${quoteNames(names)}) OVERRIDING SYSTEM VALUE SELECT ${values} ${batch} WHERE ${settled} ON CONFLICT (${quoteNames(key)})`;
  const keys = key.map((name) => `(${columns[name]})`).join(', ');
  const rest = names.filter((name) => !key.includes(name));
  const row = (of: string) => rest.map((name) => `${of}.${quoteName(name)}`).join(', ');
  const set = rest.map((name) => `${quoteName(name)} = EXCLUDED.${quoteName(name)}`).join(', ');
  // A column that no "down" speaks of says nothing about being in step.
  const isKnown = rest.every((name) => Object.values(down).some((each) => mentions(each, name)));
  const unlessInStep = isKnown ? ` AND NOT ${inStep(context, move, oldKey)}` : '';
  return {
    insert: `${insert} DO NOTHING`,
    lock: `SELECT 1 FROM ${quoteTable(to)} AS segue_target WHERE (${key.map((name) => `segue_target.${quoteName(name)}`).join(', ')}) IN (SELECT ${keys} ${batch}) FOR NO KEY UPDATE OF segue_target`,
    update:
      rest.length === 0
        ? `${insert} DO NOTHING`
        : `${insert} DO UPDATE SET ${set} WHERE NOT ${alike(row('segue_target'), row('EXCLUDED'))}${unlessInStep}`,
  };
}

/** The new row comes to what the old one is: the new version wrote it, and it may say more than "up" could. */
function inStep(context: Context, { table, to, down }: Move, oldKey: readonly string[]): string {
  const all = Object.entries(down).map(([name, expression], index) => ({
    ...{ old: `segue_old.${quoteName(name)}`, isKey: oldKey.includes(name), as: `segue_d${index}` },
    given: `(${expression})::${columnOf(context, table, name).type}`,
  }));
  const given = all.map((each) => `${each.given} AS ${each.as}`).join(', ');
  const found = all.filter(({ isKey }) => isKey).map(({ old, as }) => `${old} = ${as}`);
  const rest = all.filter(({ isKey }) => !isKey);
  const same = alike(rest.map(({ old }) => old).join(', '), rest.map(({ as }) => as).join(', '));
  const worked = `(SELECT ${given} FROM (SELECT segue_target.*) AS ${quoteName(to.name)}) AS segue_down`;
  return `EXISTS (SELECT FROM ${worked} JOIN ${quoteTable(table)} AS segue_old ON ${found.join(' AND ')} WHERE ${same})`;
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
    bound: contract === null ? [] : ['its SQL for the contract has no way back'],
  };
}
