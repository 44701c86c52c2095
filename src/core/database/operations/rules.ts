/** NULLs, defaults and constraints. What tightens waits for the contract, what loosens comes with the expand. */
import type {
  AddCheck,
  AddForeignKey,
  AddUnique,
  DropColumn,
  DropConstraint,
  DropDefault,
  DropNotNull,
  SetDefault,
  SetNotNull,
} from '../change.ts';
import { quoteName, quoteNames, quoteTable, showTable, type TableName } from '../identifier.ts';
import { type Compiled, NOTHING, type Step } from '../step.ts';
import { fillTrigger } from '../triggers.ts';
import {
  alter,
  alterIfThere,
  columnOf,
  type Context,
  mustBeSeenByTriggers,
  mustSeeRows,
  notNullSteps,
  nullAgain,
  refuse,
  step,
  tableOf,
  updateJob,
} from './context.ts';
import { concurrently, dropConcurrently } from './indexes.ts';

export function dropColumn({ table, column, down }: DropColumn, context: Context): Compiled {
  const old = columnOf(context, table, column);
  const place = `${showTable(table)}.${column}`;
  if (down === null && old.notNull && old.default === null && !old.identity && !old.generated)
    refuse(
      `${place} is NOT NULL without a default: the new version could not insert. Give "down", a value for the old one.`,
    );
  mustBeSeenByTriggers(context, table, [down]);
  const fill =
    down === null
      ? null
      : fillTrigger({
          ...{ change: context.change, index: context.index, table, olds: [], downs: [] },
          news: [{ column, type: old.type, expression: down }],
        });
  return {
    ...NOTHING,
    expand: fill
      ? [step(context, 'fill', `fill ${place} where the new version leaves it out`, [table], ...fill.create)]
      : [],
    finish: [
      step(
        context,
        'drop',
        `drop ${place}`,
        [table],
        ...(fill?.drop ?? []),
        alterIfThere(table, `DROP COLUMN IF EXISTS ${quoteName(column)}`),
      ),
    ],
    revert: fill ? [step(context, 'revert', `stop filling ${place}`, [table], ...fill.drop)] : [],
  };
}

export function setNotNull({ table, column, up }: SetNotNull, context: Context): Compiled {
  const old = columnOf(context, table, column);
  const place = `${showTable(table)}.${column}`;
  if (old.notNull) refuse(`${place} is NOT NULL already.`);
  mustBeSeenByTriggers(context, table, [up]);
  const fill =
    up === null
      ? null
      : fillTrigger({
          ...{ change: context.change, index: context.index, table, olds: [], downs: [] },
          news: [{ column, type: old.type, expression: up }],
        });
  return {
    ...NOTHING,
    expand: fill
      ? [step(context, 'fill', `give ${place} a value where it is left NULL`, [table], ...fill.create)]
      : [],
    jobs: up === null ? [] : [updateJob(context, table, [{ column, expression: up }])],
    contract: [
      ...notNullSteps(context, table, [column]),
      ...(fill ? [step(context, 'drop-fill', `stop filling ${place}`, [table], ...fill.drop)] : []),
    ],
    restore: [
      step(
        context,
        'restore',
        `let ${place} be NULL again`,
        [table],
        ...(fill ? [...fill.drop, ...fill.create] : []),
        alterIfThere(table, ...nullAgain(context, table, [column])),
      ),
    ],
    revert: [
      step(
        context,
        'revert',
        `let ${place} be NULL again`,
        [table],
        ...(fill?.drop ?? []),
        alterIfThere(table, ...nullAgain(context, table, [column])),
      ),
    ],
  };
}

export function dropNotNull({ table, column, down }: DropNotNull, context: Context): Compiled {
  const old = columnOf(context, table, column);
  const place = `${showTable(table)}.${column}`;
  if (!old.notNull) refuse(`${place} may be NULL already.`);
  mustSeeRows(context, table);
  const name = quoteName(column);
  return {
    ...NOTHING,
    expand: [
      step(
        context,
        'null',
        `let ${place} be NULL`,
        [table],
        alter(table, `ALTER COLUMN ${name} DROP NOT NULL`),
      ),
    ],
    revert: [
      ...(down === null
        ? []
        : [
            step(
              context,
              'revert-fill',
              `give ${place} a value where it is NULL`,
              [],
              `UPDATE ${quoteTable(table)} SET ${name} = (${down}) WHERE ${name} IS NULL`,
            ),
          ]),
      ...notNullSteps(context, table, [column]),
    ],
    losses:
      down === null
        ? [
            {
              what: `NULLs in ${place}, for which there is no "down"`,
              exists: `SELECT EXISTS (SELECT FROM ${quoteTable(table)} WHERE ${name} IS NULL)`,
            },
          ]
        : [],
  };
}

export function setDefault(operation: SetDefault, context: Context): Compiled {
  const { table, column } = operation;
  const old = columnOf(context, table, column);
  const place = `${showTable(table)}.${column}`;
  const set = (value: string | null) => alterDefault(table, column, value);
  return {
    ...NOTHING,
    expand: [
      step(
        context,
        'default',
        `${place} defaults to ${operation.default}`,
        [table],
        alter(table, set(operation.default)),
      ),
    ],
    revert: [
      step(context, 'revert', `${place} has its old default`, [table], alterIfThere(table, set(old.default))),
    ],
  };
}

export function dropDefault({ table, column }: DropDefault, context: Context): Compiled {
  const old = columnOf(context, table, column);
  const place = `${showTable(table)}.${column}`;
  const back = (name: string) => [
    step(
      context,
      name,
      `${place} has its old default`,
      [table],
      alterIfThere(table, alterDefault(table, column, old.default)),
    ),
  ];
  return {
    ...NOTHING,
    contract: [
      step(
        context,
        'default',
        `${place} has no default`,
        [table],
        alter(table, alterDefault(table, column, null)),
      ),
    ],
    restore: back('restore'),
    revert: back('revert'),
  };
}

function alterDefault(_table: TableName, column: string, value: string | null): string {
  const what = value === null ? 'DROP DEFAULT' : `SET DEFAULT ${value}`;
  return `ALTER COLUMN ${quoteName(column)} ${what}`;
}

export function addUnique({ table, columns, name, enforce }: AddUnique, context: Context): Compiled {
  for (const column of columns) columnOf(context, table, column);
  mustBeFreeConstraint(context, table, name);
  const index = { schema: table.schema, name };
  const steps = [
    concurrently(
      context,
      index,
      table,
      `CREATE UNIQUE INDEX CONCURRENTLY ${quoteName(name)} ON ${quoteTable(table)} (${quoteNames(columns)})`,
    ),
    step(
      context,
      'unique',
      `make ${columns.join(', ')} of ${showTable(table)} unique`,
      [table],
      alter(table, `ADD CONSTRAINT ${quoteName(name)} UNIQUE USING INDEX ${quoteName(name)}`),
    ),
  ];
  return tightened(enforce, steps, [
    step(
      context,
      'revert',
      `drop ${name}`,
      [table],
      alterIfThere(table, `DROP CONSTRAINT IF EXISTS ${quoteName(name)}`),
    ),
    dropConcurrently(context, index),
  ]);
}

export function addCheck({ table, check, name, enforce }: AddCheck, context: Context): Compiled {
  mustBeFreeConstraint(context, table, name);
  return constraint(context, table, name, `CHECK (${check})`, enforce, [table]);
}

export function addForeignKey(operation: AddForeignKey, context: Context): Compiled {
  const { table, columns, references, onDelete, name, enforce } = operation;
  for (const column of columns) columnOf(context, table, column);
  mustBeFreeConstraint(context, table, name);
  const target = `${quoteTable(references.table)} (${quoteNames(references.columns)})`;
  const rule = onDelete === null ? '' : ` ON DELETE ${onDelete.toUpperCase()}`;
  const definition = `FOREIGN KEY (${quoteNames(columns)}) REFERENCES ${target}${rule}`;
  return constraint(context, table, name, definition, enforce, [table, references.table]);
}

/** New rows first, then those that are there, under a lock that lets everybody read and write. */
function constraint(
  context: Context,
  table: TableName,
  name: string,
  definition: string,
  enforce: AddCheck['enforce'],
  locked: readonly TableName[],
): Compiled {
  return tightened(enforce, addAndValidate(context, table, name, definition, locked), [
    step(
      context,
      'revert',
      `drop ${name}`,
      [table],
      alterIfThere(table, `DROP CONSTRAINT IF EXISTS ${quoteName(name)}`),
    ),
  ]);
}

function addAndValidate(
  context: Context,
  table: TableName,
  name: string,
  definition: string,
  locked: readonly TableName[],
): Step[] {
  return [
    step(
      context,
      'constraint',
      `add ${name} to ${showTable(table)} for new rows`,
      locked,
      alter(table, `ADD CONSTRAINT ${quoteName(name)} ${definition} NOT VALID`),
    ),
    step(
      context,
      'validate',
      `check the rows of ${showTable(table)} against ${name}`,
      [],
      alter(table, `VALIDATE CONSTRAINT ${quoteName(name)}`),
    ),
  ];
}

function tightened(enforce: AddCheck['enforce'], steps: readonly Step[], revert: readonly Step[]): Compiled {
  return enforce === 'expand'
    ? { ...NOTHING, expand: steps, revert }
    : { ...NOTHING, contract: steps, restore: revert, revert };
}

export function dropConstraint({ table, name }: DropConstraint, context: Context): Compiled {
  const found = tableOf(context, table).constraints.find((each) => each.name === name);
  if (!found) return refuse(`${showTable(table)} has no constraint ${name}.`);
  if (found.kind === 'primary') return refuse(`${name} is the primary key of ${showTable(table)}.`);
  const expand = [
    step(
      context,
      'drop',
      `drop ${name} of ${showTable(table)}`,
      [table],
      alter(table, `DROP CONSTRAINT ${quoteName(name)}`),
    ),
  ];
  const definition = found.definition.replace(/ NOT VALID$/, '');
  if (found.kind === 'check' || found.kind === 'foreign')
    return { ...NOTHING, expand, revert: addAndValidate(context, table, name, definition, [table]) };
  if (found.kind === 'exclusion')
    return refuse(`${name} excludes by an index that could not be made again without a lock.`);
  const index = { schema: table.schema, name };
  const create = `CREATE UNIQUE INDEX CONCURRENTLY ${quoteName(name)} ON ${quoteTable(table)} (${quoteNames(found.columns)})`;
  return {
    ...NOTHING,
    expand,
    revert: [
      concurrently(context, index, table, create),
      step(
        context,
        'unique',
        `make ${found.columns.join(', ')} of ${showTable(table)} unique again`,
        [table],
        alter(table, `ADD CONSTRAINT ${quoteName(name)} UNIQUE USING INDEX ${quoteName(name)}`),
      ),
    ],
  };
}

function mustBeFreeConstraint(context: Context, table: TableName, name: string): void {
  const taken = tableOf(context, table).constraints.some((each) => each.name === name);
  if (taken) refuse(`${showTable(table)} has a constraint ${name} already.`);
}
