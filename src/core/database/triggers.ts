/**
 * Trigger pairs that keep old and new columns in step, deciding by what a statement changed: no session says
 * which version it belongs to, so any pool, driver and ORM will do. What is written is kept as it was written;
 * only the other side is worked out.
 *
 * Each direction is a trigger of its own. PostgreSQL fires them by name: forwards in the order of the changes,
 * then backwards in the opposite order, so that changes that wait on top of each other pass a value through.
 * The ambiguous cases are listed in docs/database.md.
 */
import { madeName, quoteName, quoteTable, quoteText, type TableName } from './identifier.ts';

/** Set by a backfill for one transaction, to the pair that it fills: what it writes for that one is worked out already. */
export const BACKFILL_SETTING = 'segue.backfill';

export const fillsOf = (change: string, index: number): string => `${change}/${index + 1}`;

/**
 * True in a trigger of the pair that is filled, of what the backfill writes itself. Every other pair, and what triggers
 * of the application write meanwhile, is passed on as ever: nothing else would bring it in step.
 */
export const isFilling = (change: string, index: number): string =>
  `(coalesce(current_setting('${BACKFILL_SETTING}', true), '') = ${quoteText(fillsOf(change, index))} AND pg_trigger_depth() = 1)`;

export interface Derived {
  readonly column: string;
  readonly type: string;
  /** An expression over the columns of the row. */
  readonly expression: string;
}

export interface Sync {
  readonly change: string;
  /** Place of the operation in its change. */
  readonly index: number;
  readonly table: TableName;
  /** A change of one of these is passed on to the new columns. */
  readonly olds: readonly string[];
  readonly news: readonly Derived[];
  /** The way back; none: the old version does not need what is in the new columns. */
  readonly downs: readonly Derived[];
}

interface Trigger {
  readonly name: string;
  readonly create: readonly string[];
  readonly drop: readonly string[];
}

const FIRST = 10_000;

/** After the triggers of the application, which mostly say what is to be stored; then by change. */
function triggerName({ change, index, table }: Sync, direction: 'f' | 'r'): string {
  const ordinal = FIRST + Number(/^\d{1,4}/.exec(change)?.[0] ?? 0);
  const place = ordinal * 100 + index;
  const order = direction === 'f' ? place : 10 ** 7 - place;
  return madeName('zz_segue', direction, String(order).padStart(7, '0'), change, table.name);
}

export function forwardTrigger(sync: Sync): Trigger {
  const { olds, news } = sync;
  const names = news.map(({ column }) => column);
  const given = names.map((column) => `NEW.${quoteName(column)} IS NOT NULL`).join(' OR ');
  // While it is filled only a trigger of the application (`updated_at`) changes an old column, and that counts.
  const filling = isFilling(sync.change, sync.index);
  const kept =
    olds.length === 0
      ? 'TRUE'
      : `${alike(of('OLD', olds), of('NEW', olds))} OR NOT (${alike(of('OLD', names), of('NEW', names))} OR ${filling})`;
  return trigger(sync, 'f', [
    `IF TG_OP = 'INSERT' THEN`,
    `  IF ${given} THEN RETURN NEW; END IF;`,
    `ELSIF ${kept} THEN RETURN NEW;`,
    'END IF;',
    derive(news, sync.table),
  ]);
}

export function reverseTrigger(sync: Sync): Trigger {
  const { olds, news, downs } = sync;
  const names = news.map(({ column }) => column);
  const given = names.map((column) => `NEW.${quoteName(column)} IS NOT NULL`).join(' OR ');
  const cast = news.map(({ expression, type }) => `(${expression})::${type}`).join(', ');
  return trigger(
    sync,
    'r',
    [
      `IF ${isFilling(sync.change, sync.index)} THEN RETURN NEW; END IF;`,
      `IF TG_OP = 'INSERT' THEN`,
      `  IF NOT (${given}) THEN RETURN NEW; END IF;`,
      `ELSIF ${alike(of('OLD', names), of('NEW', names))} THEN RETURN NEW;`,
      'END IF;',
      // Both sides changed: by a statement of the old version and the trigger before this one, or by one statement.
      `IF TG_OP = 'INSERT' OR NOT ${alike(of('OLD', olds), of('NEW', olds))} THEN`,
      `  SELECT ${alike(cast, of('NEW', names))} INTO segue_in_step ${fromRow(sync.table)};`,
      '  IF segue_in_step THEN RETURN NEW; END IF;',
      'END IF;',
      ...(news.length > 1 ? [fillRest(news, sync.table)] : []),
      derive(downs, sync.table),
    ],
    'DECLARE segue_in_step boolean;',
  );
}

/** A row that the backfill has not come to, of which the new version writes some columns: the others count, too. */
function fillRest(news: readonly Derived[], table: TableName): string {
  const empty = news.map(({ column }) => `OLD.${quoteName(column)} IS NULL`).join(' AND ');
  const rest = news.map(({ column, expression, type }) => ({
    ...{ column, type, expression: `coalesce(${quoteName(column)}, (${expression}))` },
  }));
  return `IF TG_OP = 'UPDATE' AND ${empty} THEN ${derive(rest, table)} END IF;`;
}

/** Gives a column a value wherever a statement leaves it NULL. */
export function fillTrigger(sync: Sync): Trigger {
  const [filled] = sync.news;
  return trigger(sync, 'f', [
    `IF NEW.${quoteName(filled?.column ?? '')} IS NOT NULL THEN RETURN NEW; END IF;`,
    derive(sync.news, sync.table),
  ]);
}

/** By their bytes: types without equality (json, point) have those too, and 1.0 is not 1.00. */
export const alike = (a: string, b: string): string => `record_image_eq(ROW(${a}), ROW(${b}))`;

const of = (record: 'OLD' | 'NEW', columns: readonly string[]) =>
  columns.map((column) => `${record}.${quoteName(column)}`).join(', ');

/** The row as a table of one, so that expressions mean the same here, in the backfill and in a query. */
const fromRow = ({ name }: TableName) => `FROM (SELECT NEW.*) AS ${quoteName(name)}`;

function derive(derived: readonly Derived[], table: TableName): string {
  const expressions = derived.map(({ expression }) => `(${expression})`).join(', ');
  const targets = of(
    'NEW',
    derived.map(({ column }) => column),
  );
  return `SELECT ${expressions} INTO ${targets} ${fromRow(table)};`;
}

function trigger(sync: Sync, direction: 'f' | 'r', lines: readonly string[], declare = ''): Trigger {
  const name = triggerName(sync, direction);
  const { table } = sync;
  const body = ['#variable_conflict use_column', declare, 'BEGIN', ...lines, 'RETURN NEW;', 'END'].join('\n');
  return {
    name,
    create: [
      functionSql(name, table, body),
      `CREATE TRIGGER ${quoteName(name)} BEFORE INSERT OR UPDATE ON ${quoteTable(table)} FOR EACH ROW EXECUTE FUNCTION segue.${quoteName(name)}()`,
    ],
    drop: dropTrigger(name, table),
  };
}

/** Its own search_path, so that expressions mean the same in every session; the caller's stays as it is. */
function functionSql(name: string, table: TableName, body: string): string {
  const path = [...new Set([table.schema, 'public'])].map(quoteName).join(', ');
  return `CREATE OR REPLACE FUNCTION segue.${quoteName(name)}() RETURNS trigger LANGUAGE plpgsql SET search_path = ${path} AS ${quoteText(body)}`;
}

/** A table that somebody dropped meanwhile has no trigger either. */
export function dropTrigger(name: string, table: TableName): string[] {
  return [
    `DO ${quoteText(
      `BEGIN IF to_regclass(${quoteText(quoteTable(table))}) IS NOT NULL THEN ` +
        `DROP TRIGGER IF EXISTS ${quoteName(name)} ON ${quoteTable(table)}; END IF; END`,
    )}`,
    `DROP FUNCTION IF EXISTS segue.${quoteName(name)}()`,
  ];
}
