/** What the functions that keep two tables in step are put together from. */
import { madeName, quoteName, quoteNames, quoteTable, quoteText, type TableName } from '../identifier.ts';
import { dropTrigger } from '../triggers.ts';

/** Set while one side writes to the other, so that the two do not chase each other: `<depth> <pair>`. */
const MOVING = 'segue.moving';
/** Of which rows, by their keys. */
const MOVED = 'segue.moved';
export const EVERY_ROW = '*';

export interface Side {
  readonly table: TableName;
  readonly key: readonly string[];
  /** Columns, those of the key among them, and how each is worked out from a row of the other side. */
  readonly columns: Readonly<Record<string, string>>;
  /** Its key can be given a new value; one that the server numbers itself cannot. */
  readonly movable: boolean;
  /** It has no columns of its own beside those. */
  readonly whole: boolean;
  /** A column that is no part of the key may be what other tables point at: to change it takes a stronger lock. */
  readonly pointedAt: boolean;
}

export interface Pair {
  readonly change: string;
  readonly index: number;
  readonly old: Side;
  readonly new: Side;
}

export interface Names {
  readonly forward: string;
  readonly reverse: string;
  readonly emptied: string;
  readonly emptying: string;
  readonly bring: string;
  readonly settle: string;
  readonly pending: string;
}

export function namesOf({ change, index, old, new: young }: Pair): Names {
  const made = (kind: string, { name }: TableName) =>
    madeName('zz_segue_move', kind, change, String(index), name);
  const ours = (kind: string) => `segue.${quoteName(made(kind, old.table))}`;
  return {
    forward: made('f', old.table),
    reverse: made('r', young.table),
    emptied: made('e', old.table),
    emptying: made('e', young.table),
    bring: ours('bring'),
    settle: ours('settle'),
    pending: ours('pending'),
  };
}

export const keysOf = (record: string, { key }: Side) => key.map((name) => `${record}.${quoteName(name)}`);

/** The columns of the pending table: the keys of both sides. */
export const pendingKeys = ({ old, new: young }: Pair) => [
  ...old.key.map((_, index) => `segue_o${index}`),
  ...young.key.map((_, index) => `segue_n${index}`),
];

export const pendingNew = ({ new: young }: Pair) =>
  young.key.map((_, i) => `segue_pending.segue_n${i}`).join(', ');

export const pendingOld = ({ old }: Pair) => old.key.map((_, i) => `segue_pending.segue_o${i}`).join(', ');

/** Both keys as one value of the type of the pending table. */
export const keyRow = (pair: Pair, names: Names, old: string, young: string) =>
  `ROW(${[...keysOf(old, pair.old), ...keysOf(young, pair.new), 'NULL'].join(', ')})::${names.pending}`;

/** The rows of a side whose key is that of the record. */
export const where = (side: Side, record: string) =>
  `(${keysOf('segue_target', side).join(', ')}) = (${keysOf(record, side).join(', ')})`;

export const target = (side: Side) => `${quoteTable(side.table)} AS segue_target`;

/** By way of a variable of the table's own type: what an expression gives is cast as an assignment casts it. */
export function workOut(side: Side, variable: string, from: string, as: TableName): string {
  const values = Object.values(side.columns).map((expression) => `(${expression})`);
  const into = Object.keys(side.columns).map((name) => `${variable}.${quoteName(name)}`);
  return `SELECT ${values.join(', ')} INTO ${into.join(', ')} FROM ${from} AS ${quoteName(as.name)}`;
}

const rest = ({ columns, key }: Side) => Object.keys(columns).filter((name) => !key.includes(name));

export function update(side: Side, record: string, value: (name: string) => string): string {
  const set = rest(side).map((name) => `${quoteName(name)} = ${value(quoteName(name))}`);
  return set.length === 0
    ? 'NULL;'
    : `UPDATE ${target(side)} SET ${set.join(', ')} WHERE ${where(side, record)};`;
}

/** The key, too; `by` is the record that still has the one that it was. */
export function updateAll(side: Side, by: string, value: (name: string) => string): string {
  const set = Object.keys(side.columns).map((name) => `${quoteName(name)} = ${value(quoteName(name))}`);
  return `UPDATE ${target(side)} SET ${set.join(', ')} WHERE ${where(side, by)};`;
}

export function insert(side: Side, record: string): string {
  const names = Object.keys(side.columns);
  const values = names.map((name) => `${record}.${quoteName(name)}`).join(', ');
  return `INSERT INTO ${quoteTable(side.table)} (${quoteNames(names)}) OVERRIDING SYSTEM VALUE VALUES (${values}) ON CONFLICT (${quoteNames(side.key)}) DO NOTHING;`;
}

/**
 * True in a trigger of the very row that the other side has just passed on. What triggers of the application make of
 * that lies deeper, what foreign keys take along has another key, and both are passed on as ever; so is what the row
 * means for other pairs.
 */
export function standsBack(pair: Pair, side: Side): string {
  const key = side.key.map((name) => `coalesce(OLD.${quoteName(name)}, NEW.${quoteName(name)})`).join(', ');
  const mark = `coalesce(current_setting('${MOVING}', true), '') = (pg_trigger_depth() - 1)::text || ${quoteText(markOf(pair))}`;
  return `(${mark} AND (${MOVED_NOW} = '${EVERY_ROW}' OR ROW(${key})::text = ANY(string_to_array(${MOVED_NOW}, chr(1)))))`;
}

const MOVED_NOW = `coalesce(current_setting('${MOVED}', true), '')`;
const markOf = ({ change, index }: Pair) => ` ${change}/${index + 1}`;

/** Says which rows are passed on from here, by their keys as texts. */
export const movingRows = (keys: readonly string[]): string =>
  `PERFORM set_config('${MOVED}', concat_ws(chr(1), ${keys.join(', ')}), true);`;

export const keyText = (keys: readonly string[]) => `ROW(${keys.join(', ')})::text`;

/** Around what is passed on; what was set before comes again, as one pair may be at work within another. */
export const BEFORE_MOVING = 'segue_before text; segue_rows text';
export const moving = (pair: Pair, lines: readonly string[]): string[] => [
  `segue_before := coalesce(current_setting('${MOVING}', true), '');`,
  `segue_rows := ${MOVED_NOW};`,
  `PERFORM set_config('${MOVING}', pg_trigger_depth()::text || ${quoteText(markOf(pair))}, true);`,
  ...lines,
  `PERFORM set_config('${MOVED}', segue_rows, true);`,
  `PERFORM set_config('${MOVING}', segue_before, true);`,
];

export interface MadeTrigger {
  readonly create: readonly string[];
  readonly drop: readonly string[];
}

type Event = 'INSERT OR UPDATE OR DELETE' | 'TRUNCATE';

export function trigger(
  table: TableName,
  name: string,
  lines: readonly string[],
  event: Event = 'INSERT OR UPDATE OR DELETE',
): MadeTrigger {
  const body = ['#variable_conflict use_column', ...lines, 'RETURN NULL;', 'END'].join('\n');
  // What a table is emptied of can only be read before.
  const [when, each] =
    event === 'TRUNCATE' ? ['BEFORE TRUNCATE', 'FOR EACH STATEMENT'] : [`AFTER ${event}`, 'FOR EACH ROW'];
  const call = `segue.${quoteName(name)}()`;
  return {
    create: [
      functionText(call, 'trigger', table, body, true),
      `CREATE TRIGGER ${quoteName(name)} ${when} ON ${quoteTable(table)} ${each} EXECUTE FUNCTION ${call}`,
    ],
    drop: dropTrigger(name, table),
  };
}

/** Whoever may write the one table need not have a right on the other, nor on what is pending. */
export function functionText(
  call: string,
  gives: string,
  on: TableName,
  body: string,
  definer: boolean,
): string {
  const path = [...new Set([on.schema, 'public'])].map(quoteName).join(', ');
  const security = definer ? 'SECURITY DEFINER ' : '';
  return `CREATE OR REPLACE FUNCTION ${call} RETURNS ${gives} LANGUAGE plpgsql ${security}SET search_path = ${path} AS ${quoteText(body)}`;
}
