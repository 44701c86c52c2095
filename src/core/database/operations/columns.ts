/** Columns that are added, and columns that become others: both are there at once, kept in step by triggers. */
import type { AddColumn, ChangeType, MergeColumns, RenameColumn, SplitColumn } from '../change.ts';
import type { ColumnFacts } from '../facts.ts';
import { quoteName, quoteTable, showTable, type TableName } from '../identifier.ts';
import { type Compiled, NOTHING, type Step } from '../step.ts';
import { alike, type Derived, forwardTrigger, reverseTrigger, type Sync } from '../triggers.ts';
import {
  alter,
  alterIfThere,
  columnOf,
  type Context,
  mustBeFree,
  mustBeSeenByTriggers,
  mustSeeRows,
  notNullSteps,
  nullAgain,
  refuse,
  step,
  tableOf,
  updateJob,
} from './context.ts';
import { dressing } from './dressing.ts';
import { widensInPlace } from './widening.ts';

/** Evaluated once and stored in the catalog; anything else would rewrite the table. */
const CONSTANT = /^(?:-?\d+(?:\.\d+)?|true|false|null|E?'(?:[^']|'')*'(?:::[\w ."[\]()]+)?)$/i;

export function addColumn(operation: AddColumn, context: Context): Compiled {
  const { table, column, columnType, notNull, up, from } = operation;
  mustBeAddable(operation, context);
  const place = `${showTable(table)}.${column}`;
  const constant = operation.default !== null && CONSTANT.test(operation.default.trim());
  const filled = up ?? (constant ? null : operation.default);
  if (notNull && filled === null && !constant)
    refuse(
      `${place} is to be NOT NULL, but rows of the old version have no value for it: give default or up.`,
    );
  const inPlace = constant && up === null;
  const name = quoteName(column);
  const add = `ADD COLUMN ${name} ${columnType}${inPlace ? ` DEFAULT ${operation.default}${notNull ? ' NOT NULL' : ''}` : ''}`;
  const sync: Sync = {
    ...{ change: context.change, index: context.index, table, olds: from, downs: [] },
    news: [{ column, type: columnType, expression: up ?? '' }],
  };
  const trigger = up === null ? null : forwardTrigger(sync);
  const setDefault =
    operation.default !== null && !inPlace && up === null
      ? [alter(table, `ALTER COLUMN ${name} SET DEFAULT ${operation.default}`)]
      : [];
  return {
    ...NOTHING,
    expand: [
      step(
        context,
        'add',
        `add ${place}`,
        [table],
        ...(trigger?.create.slice(0, 1) ?? []),
        alter(table, add),
        ...setDefault,
        ...(trigger?.create.slice(1) ?? []),
      ),
    ],
    jobs: filled === null ? [] : [updateJob(context, table, [{ column, expression: filled }])],
    contract: [
      ...(notNull && !inPlace ? notNullSteps(context, table, [column]) : []),
      ...(trigger ? [step(context, 'drop-trigger', `stop filling ${place}`, [table], ...trigger.drop)] : []),
      ...(trigger && operation.default !== null
        ? [
            step(
              context,
              'default',
              `give ${place} its default`,
              [table],
              alter(table, `ALTER COLUMN ${name} SET DEFAULT ${operation.default}`),
            ),
          ]
        : []),
    ],
    revert: [
      step(
        context,
        'revert',
        `drop ${place}`,
        [table],
        ...(trigger?.drop ?? []),
        alterIfThere(table, `DROP COLUMN IF EXISTS ${name}`),
      ),
    ],
    restore: addedAgain(operation, context, inPlace, trigger),
    losses: [{ what: `values in ${place}`, exists: differs(operation, filled, inPlace) }],
  };
}

function mustBeAddable({ table, column, from, up }: AddColumn, context: Context): void {
  mustBeFree(context, table, column);
  for (const each of from) columnOf(context, table, each);
  mustSeeRows(context, table);
  mustBeSeenByTriggers(context, table, [up, ...from.map(quoteName)]);
}

function addedAgain(
  { table, column, notNull, default: value }: AddColumn,
  context: Context,
  inPlace: boolean,
  trigger: ReturnType<typeof forwardTrigger> | null,
): Step[] {
  const actions = [
    ...(notNull && !inPlace ? nullAgain(context, table, [column]) : []),
    ...(trigger && value !== null ? [`ALTER COLUMN ${quoteName(column)} DROP DEFAULT`] : []),
  ];
  const statements = [
    ...(trigger ? [...trigger.drop, ...trigger.create] : []),
    ...(actions.length > 0 ? [alterIfThere(table, ...actions)] : []),
  ];
  const title = `fill ${showTable(table)}.${column} again`;
  return statements.length > 0 ? [step(context, 'restore', title, [table], ...statements)] : [];
}

/** Values that the database would not give again by itself. */
function differs(
  { table, column, columnType, default: value }: AddColumn,
  filled: string | null,
  inPlace: boolean,
): string {
  const expected = inPlace ? value : filled;
  const same = expected === null ? 'NULL' : `(${expected})`;
  const name = quoteName(column);
  // A row that the backfill has not met holds nothing yet.
  const held = inPlace ? '' : `${name} IS NOT NULL AND `;
  return `SELECT EXISTS (SELECT FROM ${quoteTable(table)} WHERE ${held}NOT ${alike(name, `${same}::${columnType}`)})`;
}

export function renameColumn({ table, column, to }: RenameColumn, context: Context): Compiled {
  const old = columnOf(context, table, column);
  return replace(context, {
    table,
    olds: [old],
    news: [{ column: to, type: old.type, expression: quoteName(column) }],
    downs: [{ column, type: old.type, expression: quoteName(to) }],
    title: `${showTable(table)}.${column} becomes ${to}`,
  });
}

export function changeType(operation: ChangeType, context: Context): Compiled {
  const { table, column, to, columnType } = operation;
  const old = columnOf(context, table, column);
  const place = `${showTable(table)}.${column}`;
  if (to !== null)
    return replace(context, {
      table,
      olds: [old],
      news: [
        { column: to, type: columnType, expression: operation.up ?? `${quoteName(column)}::${columnType}` },
      ],
      downs: [{ column, type: old.type, expression: operation.down ?? `${quoteName(to)}::${old.type}` }],
      title: `${place} becomes ${to} ${columnType}`,
    });
  if (!widensInPlace(old.type, columnType))
    refuse(
      `${place} cannot become ${columnType} in place without a rewrite of the table: give it a new name with "to".`,
    );
  const name = quoteName(column);
  return {
    ...NOTHING,
    expand: [
      step(
        context,
        'type',
        `${place} becomes ${columnType}`,
        [table],
        alter(table, `ALTER COLUMN ${name} TYPE ${columnType}`),
      ),
    ],
    // The wider type holds everything that the old one held, so the old version never misses the narrow one.
    revert: [],
  };
}

export function splitColumn({ table, column, into, down }: SplitColumn, context: Context): Compiled {
  const old = columnOf(context, table, column);
  const news = Object.entries(into).map(([name, { columnType, up }]) => ({
    ...{ column: name, type: columnType, expression: up },
  }));
  return replace(context, {
    ...{ table, olds: [old], news },
    downs: [{ column, type: old.type, expression: down }],
    title: `${showTable(table)}.${column} becomes ${news.map((each) => each.column).join(', ')}`,
  });
}

export function mergeColumns(operation: MergeColumns, context: Context): Compiled {
  const { table, columns, into, columnType, up } = operation;
  const olds = Object.keys(columns).map((name) => columnOf(context, table, name));
  return replace(context, {
    ...{ table, olds },
    news: [{ column: into, type: columnType, expression: up }],
    downs: olds.map(({ name, type }) => ({ column: name, type, expression: columns[name] ?? 'NULL' })),
    title: `${showTable(table)}.${olds.map(({ name }) => name).join(', ')} become ${into}`,
  });
}

interface Replacement {
  readonly table: TableName;
  readonly olds: readonly ColumnFacts[];
  readonly news: readonly Derived[];
  readonly downs: readonly Derived[];
  readonly title: string;
}

function replace(context: Context, { table, olds, news, downs, title }: Replacement): Compiled {
  const names = news.map(({ column }) => column);
  for (const name of names) mustBeFree(context, table, name);
  mustBeReplaceable(context, table, olds);
  mustBeSeenByTriggers(
    context,
    table,
    [...news, ...downs].map(({ expression }) => expression),
  );
  const sync: Sync = {
    ...{ change: context.change, index: context.index, table, news, downs },
    olds: olds.map(({ name }) => name),
  };
  const forward = forwardTrigger(sync);
  const reverse = reverseTrigger(sync);
  const [only, ...more] = olds;
  const single = only && more.length === 0 && names.length === 1 ? only : null;
  const dressed = single && names[0] !== undefined ? dressing(context, table, single, names[0]) : null;
  const required = olds.every(({ notNull }) => notNull) ? names : [];
  return {
    ...NOTHING,
    expand: [
      step(
        context,
        'add',
        title,
        [table],
        ...forward.create.slice(0, 1),
        ...reverse.create.slice(0, 1),
        alter(table, ...news.map(({ column, type }) => `ADD COLUMN ${quoteName(column)} ${type}`)),
        ...forward.create.slice(1),
        ...reverse.create.slice(1),
      ),
    ],
    jobs: [updateJob(context, table, news)],
    seal: dressed?.seal ?? [],
    ...closing(context, table, names, { required: single ? required : [], forward, dressed }),
    finish: [
      step(
        context,
        'finish',
        `drop ${olds.map(({ name }) => `${showTable(table)}.${name}`).join(', ')}`,
        [table],
        ...reverse.drop,
        ...(dressed?.finish ?? []),
        alterIfThere(table, ...sync.olds.map((name) => `DROP COLUMN IF EXISTS ${quoteName(name)}`)),
      ),
    ],
    revert: [
      step(
        context,
        'revert',
        `drop ${names.map((name) => `${showTable(table)}.${name}`).join(', ')}`,
        [table],
        ...forward.drop,
        ...reverse.drop,
        alterIfThere(table, ...names.map((name) => `DROP COLUMN IF EXISTS ${quoteName(name)}`)),
      ),
    ],
  };
}

interface Closed {
  readonly required: readonly string[];
  readonly forward: ReturnType<typeof forwardTrigger>;
  readonly dressed: ReturnType<typeof dressing> | null;
}

/** The contract of columns that are replaced, and its way back. */
function closing(
  context: Context,
  table: TableName,
  names: readonly string[],
  { required, forward, dressed }: Closed,
): Pick<Compiled, 'contract' | 'restore' | 'standing'> {
  const place = `the old columns of ${showTable(table)}`;
  return {
    contract: [
      ...notNullSteps(context, table, required),
      step(
        context,
        'drop-forward',
        `${place} are written no more`,
        [table],
        ...forward.drop,
        ...(dressed?.defaults ?? []),
      ),
      ...(dressed?.contract ?? []),
    ],
    restore: [
      step(
        context,
        'restore',
        `${place} are written again`,
        [table],
        ...forward.drop,
        ...forward.create,
        alterIfThere(
          table,
          ...nullAgain(context, table, required),
          ...names.map((name) => `ALTER COLUMN ${quoteName(name)} DROP DEFAULT`),
        ),
      ),
    ],
    standing: (dressed?.contract ?? []).map(({ id }) => id),
  };
}

function mustBeReplaceable(context: Context, table: TableName, olds: readonly ColumnFacts[]): void {
  const { referencedBy } = tableOf(context, table);
  for (const { name, identity, generated } of olds) {
    const place = `${showTable(table)}.${name}`;
    if (identity)
      refuse(`${place} is an identity column, whose numbers cannot be given by two columns at once.`);
    if (generated) refuse(`${place} is generated: add the new column with "up", and drop this one.`);
    const pointing = referencedBy.filter(({ columns }) => columns.includes(name)).map((each) => each.name);
    if (pointing.length > 0)
      refuse(
        `Foreign keys point at ${place}: ${pointing.join(', ')}. Drop them in a change before this one.`,
      );
  }
}
