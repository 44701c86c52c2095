/**
 * What a column has around it, for the column that takes its place: default, indexes, checks, foreign keys,
 * its part in a unique or primary key. Made before the new version needs it, under no strong lock.
 */
import type { ColumnFacts, ConstraintFacts, IndexFacts } from '../facts.ts';
import { madeName, quoteName, quoteTable, showTable, type TableName } from '../identifier.ts';
import { renamed } from '../rename.ts';
import type { Step } from '../step.ts';
import { alter, type Context, refuse, step, tableOf } from './context.ts';

interface Dressing {
  readonly seal: readonly Step[];
  readonly contract: readonly Step[];
  readonly defaults: readonly string[];
  readonly finish: readonly string[];
}

export function dressing(context: Context, table: TableName, old: ColumnFacts, to: string): Dressing {
  const { indexes, constraints } = tableOf(context, table);
  const mine = indexes.filter(({ columns }) => columns.includes(old.name));
  const bound = constraints.filter(({ columns }) => columns.includes(old.name));
  if (tableOf(context, table).kind === 'partitioned' && (mine.length > 0 || bound.length > 0))
    refuse(
      `${showTable(table)} is partitioned, and ${old.name} has indexes or constraints: they cannot be made there without a lock.`,
    );
  const exclusion = bound.find(({ kind }) => kind === 'exclusion');
  if (exclusion)
    refuse(`The exclusion constraint ${exclusion.name} cannot be made for another column without a lock.`);
  const checks = bound.filter(({ kind }) => kind === 'check' || kind === 'foreign');
  const made = (name: string) => madeName('segue', context.change.slice(0, 4), name, to);
  const rest = { context, table, old, to, made };
  return {
    seal: [
      ...mine.map((index) => indexStep(rest, index)),
      ...checks.flatMap((constraint) => constraintSteps(rest, constraint)),
    ],
    contract: mine.flatMap((index) => (index.constraint === null ? [] : uniqueStep(rest, index, bound))),
    defaults: [
      ...(old.default === null
        ? []
        : [alter(table, `ALTER COLUMN ${quoteName(to)} SET DEFAULT ${old.default}`)]),
    ],
    finish: [
      ...(old.sequence === null
        ? []
        : [`ALTER SEQUENCE ${old.sequence} OWNED BY ${quoteTable(table)}.${quoteName(to)}`]),
      ...bound
        .filter(({ kind }) => kind === 'primary')
        .flatMap(({ name }) => [
          alter(table, `DROP CONSTRAINT ${quoteName(name)}`),
          alter(table, `ADD CONSTRAINT ${quoteName(name)} PRIMARY KEY USING INDEX ${quoteName(made(name))}`),
        ]),
    ],
  };
}

interface Rest {
  readonly context: Context;
  readonly table: TableName;
  readonly old: ColumnFacts;
  readonly to: string;
  readonly made: (name: string) => string;
}

function indexStep({ context, table, old, to, made }: Rest, { name, definition, unique }: IndexFacts): Step {
  const body = renamed(definition.slice(definition.indexOf(' USING ')), old.name, to);
  const index = { schema: table.schema, name: made(name) };
  const create = `CREATE ${unique ? 'UNIQUE ' : ''}INDEX CONCURRENTLY ${quoteName(index.name)} ON ${quoteTable(table)}${body}`;
  return {
    id: `${context.index + 1}.index.${name}`,
    title: `index ${showTable(table)}.${to} as ${name} does ${old.name}`,
    tables: [],
    run: { type: 'create-index', index, statement: create },
  };
}

function constraintSteps(
  { context, table, old, to, made }: Rest,
  { name, definition }: ConstraintFacts,
): Step[] {
  const copy = quoteName(made(name));
  const whole = definition.replace(/ NOT VALID$/, '');
  // What a foreign key points at keeps its names.
  const at = whole.startsWith('FOREIGN KEY') ? whole.indexOf(' REFERENCES ') : whole.length;
  const body = `${renamed(whole.slice(0, at), old.name, to)}${whole.slice(at)}`;
  return [
    step(
      context,
      `constraint.${name}`,
      `${name} for ${showTable(table)}.${to} as well`,
      [table],
      alter(table, `ADD CONSTRAINT ${copy} ${body} NOT VALID`),
    ),
    step(
      context,
      `validate.${name}`,
      `check ${showTable(table)}.${to} against it`,
      [],
      alter(table, `VALIDATE CONSTRAINT ${copy}`),
    ),
  ];
}

/** A primary key is taken over at the end: there can be only one. */
function uniqueStep(
  { context, table, to, made }: Rest,
  index: IndexFacts,
  bound: readonly ConstraintFacts[],
): Step[] {
  if (bound.find(({ name }) => name === index.constraint)?.kind !== 'unique') return [];
  const copy = quoteName(made(index.name));
  return [
    step(
      context,
      `unique.${index.name}`,
      `make ${showTable(table)}.${to} unique by its index`,
      [table],
      alter(table, `ADD CONSTRAINT ${copy} UNIQUE USING INDEX ${copy}`),
    ),
  ];
}
