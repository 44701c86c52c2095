/**
 * Two tables kept in step, row by row, by a trigger on each that writes to the other.
 *
 * A statement of the old version holds its row of the old table and then asks for that of the new one; one of the new
 * version asks in the opposite order, and neither can do otherwise: PostgreSQL locks a row before any trigger of it
 * runs. So one of the two never waits blindly. From new to old (`bring`) a row that is locked is asked for again and
 * again; as soon as somebody waits for this very transaction, or after `moveWaitMs`, the row is left as it is and its
 * key is kept in a table of its own (`pending`), in the same transaction. Whoever held the old row finds it there once
 * it has the new one, and puts its own change on top of what the new version wrote: the order is "the new version,
 * then the old one". When it never writes, or goes back, the key stays until `settle` brings the old row up to date.
 * What is pending is only ever a key: the new table has what counts.
 */
import { limits } from '../../limits.ts';
import { madeName, quoteName, quoteNames, quoteTable, quoteText, type TableName } from '../identifier.ts';
import { BACKFILL_SETTING, dropTrigger } from '../triggers.ts';

const { moveWaitMs, movePollMs, moveInsertMs, settleRowsMax } = limits.database;

/** Set while one side writes to the other, so that the two do not chase each other. */
const MOVING = 'segue.moving';
/** How long the statement under way has waited already: `<its beginning> <milliseconds>`. */
const WAITED = 'segue.waited';

export interface Side {
  readonly table: TableName;
  readonly key: readonly string[];
  /** Columns, those of the key among them, and how each is worked out from a row of the other side. */
  readonly columns: Readonly<Record<string, string>>;
  /** A column that is no part of the key may be what other tables point at: to change it takes a stronger lock. */
  readonly pointedAt: boolean;
}

export interface Pair {
  readonly change: string;
  readonly index: number;
  readonly old: Side;
  readonly new: Side;
}

export interface PairSql {
  readonly create: readonly string[];
  readonly dropForward: readonly string[];
  readonly createForward: readonly string[];
  /** What is pending is brought in step first. */
  readonly dropRest: readonly string[];
  /** The function that brings what is pending in step, and gives how many are left. */
  readonly settle: string;
  /** True of a row of the old table, by the name of that table, that is not pending: the new table has nothing newer. */
  readonly settled: string;
}

export function pairSql(pair: Pair): PairSql {
  const names = namesOf(pair);
  const forward = trigger(pair.old.table, names.forward, forwardBody(pair, names));
  const reverse = trigger(pair.new.table, names.reverse, reverseBody(pair, names));
  return {
    create: [...pendingTable(pair, names), bring(pair, names), settling(pair, names), ...reverse.create],
    createForward: forward.create,
    dropForward: forward.drop,
    dropRest: [
      ...reverse.drop,
      settleNow(names),
      `DROP FUNCTION IF EXISTS ${names.settle}()`,
      // A function of a type goes with it.
      `DROP TABLE IF EXISTS ${names.pending} CASCADE`,
    ],
    settle: `${names.settle}()`,
    settled: `NOT EXISTS (SELECT FROM ${names.pending} AS segue_pending WHERE (${pendingOld(pair)}) = (${keysOf(quoteName(pair.old.table.name), pair.old).join(', ')}))`,
  };
}

interface Names {
  readonly forward: string;
  readonly reverse: string;
  readonly bring: string;
  readonly settle: string;
  readonly pending: string;
}

function namesOf({ change, index, old, new: young }: Pair): Names {
  const made = (kind: string, { name }: TableName) =>
    madeName('zz_segue_move', kind, change, String(index), name);
  const ours = (kind: string) => `segue.${quoteName(made(kind, old.table))}`;
  return {
    forward: made('f', old.table),
    reverse: made('r', young.table),
    bring: ours('bring'),
    settle: ours('settle'),
    pending: ours('pending'),
  };
}

const keysOf = (record: string, { key }: Side) => key.map((name) => `${record}.${quoteName(name)}`);

/** The columns of the pending table: the keys of both sides. */
const pendingKeys = ({ old, new: young }: Pair) => [
  ...old.key.map((_, index) => `segue_o${index}`),
  ...young.key.map((_, index) => `segue_n${index}`),
];

const pendingOld = ({ old }: Pair) => old.key.map((_, i) => `segue_pending.segue_o${i}`).join(', ');

/** Both keys as one value of the type of the pending table. */
const keyRow = (pair: Pair, names: Names, old: string, young: string) =>
  `ROW(${[...keysOf(old, pair.old), ...keysOf(young, pair.new), 'NULL'].join(', ')})::${names.pending}`;

/** The rows of a side whose key is that of the record. */
const where = (side: Side, record: string) =>
  `(${keysOf('segue_target', side).join(', ')}) = (${keysOf(record, side).join(', ')})`;

const target = (side: Side) => `${quoteTable(side.table)} AS segue_target`;

/** By way of a variable of the table's own type: what an expression gives is cast as an assignment casts it. */
function workOut(side: Side, variable: string, from: string, as: TableName): string {
  const values = Object.values(side.columns).map((expression) => `(${expression})`);
  const into = Object.keys(side.columns).map((name) => `${variable}.${quoteName(name)}`);
  return `SELECT ${values.join(', ')} INTO ${into.join(', ')} FROM ${from} AS ${quoteName(as.name)}`;
}

const rest = ({ columns, key }: Side) => Object.keys(columns).filter((name) => !key.includes(name));

function update(side: Side, record: string, value: (name: string) => string): string {
  const set = rest(side).map((name) => `${quoteName(name)} = ${value(quoteName(name))}`);
  return set.length === 0
    ? 'NULL;'
    : `UPDATE ${target(side)} SET ${set.join(', ')} WHERE ${where(side, record)};`;
}

function insert(side: Side, record: string): string {
  const names = Object.keys(side.columns);
  const values = names.map((name) => `${record}.${quoteName(name)}`).join(', ');
  return `INSERT INTO ${quoteTable(side.table)} (${quoteNames(names)}) OVERRIDING SYSTEM VALUE VALUES (${values}) ON CONFLICT (${quoteNames(side.key)}) DO NOTHING;`;
}

const IS_ON = (setting: string) => `current_setting('${setting}', true) = 'on'`;
const set = (setting: string, to: 'on' | 'off') => `PERFORM set_config('${setting}', '${to}', true);`;

/** What a statement of the old version did, for the new table. It waits for whoever is writing the row there. */
function forwardBody(pair: Pair, names: Names): string[] {
  const { old, new: young } = pair;
  const same = [...keysOf('OLD', old), ...keysOf('segue_old', young)];
  const now = [...keysOf('NEW', old), ...keysOf('segue_new', young)];
  const pending = (record: string) =>
    `SELECT array_agg(segue_id) INTO segue_ids FROM ${names.pending} AS segue_pending WHERE (${pendingOld(pair)}) = (${keysOf(record, old).join(', ')});`;
  const forget = `IF segue_ids IS NOT NULL THEN DELETE FROM ${names.pending} WHERE segue_id = ANY(segue_ids); END IF;`;
  const changed = (name: string) =>
    `CASE WHEN record_image_eq(ROW(segue_old.${name}), ROW(segue_new.${name})) THEN segue_target.${name} ELSE segue_new.${name} END`;
  return [
    `DECLARE segue_old ${quoteTable(young.table)}%ROWTYPE; segue_new ${quoteTable(young.table)}%ROWTYPE; segue_ids bigint[]; segue_there boolean; segue_same boolean := false; segue_tries int := 0;`,
    'BEGIN',
    `IF ${IS_ON(MOVING)} OR ${IS_ON(BACKFILL_SETTING)} THEN RETURN NULL; END IF;`,
    `IF TG_OP <> 'INSERT' THEN ${workOut(young, 'segue_old', '(SELECT OLD.*)', old.table)}; END IF;`,
    `IF TG_OP <> 'DELETE' THEN ${workOut(young, 'segue_new', '(SELECT NEW.*)', old.table)}; END IF;`,
    `IF TG_OP = 'UPDATE' THEN`,
    '  IF record_image_eq(segue_old, segue_new) THEN RETURN NULL; END IF;',
    `  segue_same := ROW(${same.join(', ')}) IS NOT DISTINCT FROM ROW(${now.join(', ')});`,
    'END IF;',
    set(MOVING, 'on'),
    `IF TG_OP <> 'INSERT' AND NOT segue_same THEN`,
    `  PERFORM 1 FROM ${target(young)} WHERE ${where(young, 'segue_old')} FOR UPDATE;`,
    `  ${pending('OLD')}`,
    `  DELETE FROM ${target(young)} WHERE ${where(young, 'segue_old')};`,
    `  ${forget}`,
    'END IF;',
    `WHILE TG_OP <> 'DELETE' LOOP`,
    `  PERFORM 1 FROM ${target(young)} WHERE ${where(young, 'segue_new')} FOR NO KEY UPDATE;`,
    '  segue_there := FOUND;',
    `  ${pending('NEW')}`,
    // The new version came first: only what this statement changed counts over it.
    '  IF segue_ids IS NOT NULL AND segue_same THEN',
    `    IF segue_there THEN ${update(young, 'segue_new', changed)} END IF;`,
    `    PERFORM ${names.bring}(${keyRow(pair, names, 'NEW', 'segue_new')});`,
    `    ${forget}`,
    '    EXIT;',
    '  END IF;',
    '  IF segue_there THEN',
    `    ${update(young, 'segue_new', (name) => `segue_new.${name}`)}`,
    `    ${forget}`,
    '    EXIT;',
    '  END IF;',
    `  ${insert(young, 'segue_new')}`,
    // Somebody made it meanwhile; or a trigger of the user's does not want it.
    '  EXIT WHEN FOUND OR segue_tries > 9;',
    '  segue_tries := segue_tries + 1;',
    'END LOOP;',
    set(MOVING, 'off'),
  ];
}

/** What a statement of the new version did, for the old table. */
function reverseBody(pair: Pair, names: Names): string[] {
  const { old, new: young } = pair;
  const both = (record: string, variable: string) =>
    `ROW(${[...keysOf(variable, old), ...keysOf(record, young)].join(', ')})`;
  const pass = (record: string, variable: string) => [
    `  segue_key := ${keyRow(pair, names, variable, record)};`,
    `  IF NOT ${names.bring}(segue_key) THEN INSERT INTO ${names.pending} (${pendingKeys(pair).join(', ')}) VALUES (${pendingKeys(
      pair,
    )
      .map((key) => `segue_key.${key}`)
      .join(', ')}); END IF;`,
  ];
  return [
    `DECLARE segue_old ${quoteTable(old.table)}%ROWTYPE; segue_new ${quoteTable(old.table)}%ROWTYPE; segue_key ${names.pending};`,
    'BEGIN',
    `IF ${IS_ON(MOVING)} OR ${IS_ON(BACKFILL_SETTING)} THEN RETURN NULL; END IF;`,
    `IF TG_OP <> 'INSERT' THEN ${workOut(old, 'segue_old', '(SELECT OLD.*)', young.table)}; END IF;`,
    `IF TG_OP <> 'DELETE' THEN ${workOut(old, 'segue_new', '(SELECT NEW.*)', young.table)}; END IF;`,
    `IF TG_OP = 'UPDATE' THEN IF record_image_eq(segue_old, segue_new) THEN RETURN NULL; END IF; END IF;`,
    set(MOVING, 'on'),
    `IF TG_OP = 'DELETE' THEN`,
    ...pass('OLD', 'segue_old'),
    'ELSE',
    `  IF TG_OP = 'UPDATE' THEN IF ${both('OLD', 'segue_old')} IS DISTINCT FROM ${both('NEW', 'segue_new')} THEN`,
    ...pass('OLD', 'segue_old'),
    '  END IF; END IF;',
    ...pass('NEW', 'segue_new'),
    'END IF;',
    set(MOVING, 'off'),
  ];
}

/** Makes the old row what the new one is; false: it could not be had, and nothing was done. */
function bring(pair: Pair, names: Names): string {
  const { old, new: young } = pair;
  const oldKey = `(${keysOf('segue_target', old).join(', ')}) = (${old.key.map((_, i) => `segue_key.segue_o${i}`).join(', ')})`;
  const newKey = `(${keysOf('segue_source', young).join(', ')}) = (${young.key.map((_, i) => `segue_key.segue_n${i}`).join(', ')})`;
  const source = `(SELECT * FROM ${quoteTable(young.table)} AS segue_source WHERE ${newKey})`;
  const lock = (strength: string) =>
    `PERFORM 1 FROM ${target(old)} WHERE ${oldKey} FOR ${strength} SKIP LOCKED;`;
  const body = [
    '#variable_conflict use_column',
    `DECLARE segue_row ${quoteTable(old.table)}%ROWTYPE; segue_there boolean; segue_limit text := current_setting('lock_timeout');`,
    `  segue_began text := extract(epoch FROM statement_timestamp())::text; segue_since timestamptz; segue_waited float8 := 0;`,
    'BEGIN',
    'LOOP',
    `  ${workOut(old, 'segue_row', source, young.table)};`,
    '  segue_there := FOUND;',
    `  IF segue_there THEN ${lock(old.pointedAt ? 'UPDATE' : 'NO KEY UPDATE')} ELSE ${lock('UPDATE')} END IF;`,
    '  EXIT WHEN FOUND;',
    `  PERFORM 1 FROM ${target(old)} WHERE ${oldKey};`,
    '  IF NOT FOUND THEN',
    '    IF NOT segue_there THEN RETURN true; END IF;',
    // A row that somebody else makes now cannot be seen, only waited for.
    '    BEGIN',
    `      PERFORM set_config('lock_timeout', '${moveInsertMs}ms', true);`,
    `      ${insert(old, 'segue_row')}`,
    `      segue_there := FOUND;`,
    `      PERFORM set_config('lock_timeout', segue_limit, true);`,
    '      IF segue_there THEN RETURN true; END IF;',
    '    EXCEPTION WHEN lock_not_available THEN NULL;',
    '    END;',
    '  END IF;',
    '  IF segue_since IS NULL THEN',
    '    segue_since := clock_timestamp();',
    `    IF split_part(current_setting('${WAITED}', true), ' ', 1) = segue_began THEN segue_waited := split_part(current_setting('${WAITED}', true), ' ', 2)::float8; END IF;`,
    '  END IF;',
    `  PERFORM set_config('${WAITED}', segue_began || ' ' || (segue_waited + extract(epoch FROM clock_timestamp() - segue_since) * 1000)::text, true);`,
    `  IF segue_waited + extract(epoch FROM clock_timestamp() - segue_since) * 1000 >= ${moveWaitMs}`,
    '    OR EXISTS (SELECT FROM pg_catalog.pg_locks AS l WHERE NOT l.granted AND pg_backend_pid() = ANY(pg_blocking_pids(l.pid)))',
    '  THEN RETURN false; END IF;',
    `  PERFORM pg_sleep(${movePollMs / 1_000});`,
    'END LOOP;',
    // As it is now that the old row is held: nobody changes one without the other.
    `${workOut(old, 'segue_row', source, young.table)};`,
    'IF FOUND THEN',
    `  ${update(old, 'segue_row', (name) => `segue_row.${name}`)}`,
    `ELSE DELETE FROM ${target(old)} WHERE ${oldKey}; END IF;`,
    'RETURN true;',
    'END',
  ].join('\n');
  return functionText(`${names.bring}(segue_key ${names.pending})`, 'boolean', young.table, body, false);
}

/** Brings what is pending in step, as far as nobody holds it; gives how many are left. */
function settling(pair: Pair, names: Names): string {
  const keys = pendingKeys(pair).join(', ');
  const row = `ROW(${[...pendingKeys(pair).map((key) => `segue_each.${key}`), 'NULL'].join(', ')})::${names.pending}`;
  const body = [
    `DECLARE segue_each record; segue_backfill text := coalesce(current_setting('${BACKFILL_SETTING}', true), '');`,
    'BEGIN',
    set(MOVING, 'on'),
    // Other triggers pass on what is brought here.
    set(BACKFILL_SETTING, 'off'),
    // Only those that were there before the new row is read: what comes later says something newer.
    `FOR segue_each IN SELECT ${keys}, array_agg(segue_id) AS segue_ids FROM ${names.pending} GROUP BY ${keys} ORDER BY min(segue_id) LIMIT ${settleRowsMax} LOOP`,
    `  IF ${names.bring}(${row}) THEN DELETE FROM ${names.pending} WHERE segue_id = ANY(segue_each.segue_ids); END IF;`,
    'END LOOP;',
    `PERFORM set_config('${BACKFILL_SETTING}', segue_backfill, true);`,
    set(MOVING, 'off'),
    `RETURN (SELECT count(*) FROM ${names.pending});`,
    'END',
  ].join('\n');
  return functionText(`${names.settle}()`, 'integer', pair.new.table, body, false);
}

/** As a statement of a step: it is tried again until nothing is left. */
function settleNow({ settle }: Names): string {
  const call = `IF to_regprocedure(${quoteText(`${settle}()`)}) IS NOT NULL THEN EXECUTE ${quoteText(`SELECT ${settle}()`)} INTO n; END IF;`;
  const left = `IF n > 0 THEN RAISE EXCEPTION '% rows of the old table are held by others', n USING ERRCODE = 'lock_not_available'; END IF;`;
  return `DO ${quoteText(`DECLARE n int := 0; BEGIN ${call} ${left} END`)}`;
}

function pendingTable({ old, new: young }: Pair, { pending }: Names): string[] {
  const columns = [
    ...old.key.map((name, index) => `o.${quoteName(name)} AS segue_o${index}`),
    ...young.key.map((name, index) => `n.${quoteName(name)} AS segue_n${index}`),
  ].join(', ');
  const keys = old.key.map((_, index) => `segue_o${index}`).join(', ');
  return [
    `CREATE TABLE ${pending} AS SELECT ${columns} FROM ${quoteTable(old.table)} AS o, ${quoteTable(young.table)} AS n WITH NO DATA`,
    `ALTER TABLE ${pending} ADD COLUMN segue_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY`,
    `CREATE INDEX ON ${pending} (${keys})`,
  ];
}

function trigger(table: TableName, name: string, lines: readonly string[]) {
  const body = ['#variable_conflict use_column', ...lines, 'RETURN NULL;', 'END'].join('\n');
  const call = `segue.${quoteName(name)}()`;
  return {
    create: [
      functionText(call, 'trigger', table, body, true),
      `CREATE TRIGGER ${quoteName(name)} AFTER INSERT OR UPDATE OR DELETE ON ${quoteTable(table)} FOR EACH ROW EXECUTE FUNCTION ${call}`,
    ],
    drop: dropTrigger(name, table),
  };
}

/** Whoever may write the one table need not have a right on the other, nor on what is pending. */
function functionText(call: string, gives: string, on: TableName, body: string, definer: boolean): string {
  const path = [...new Set([on.schema, 'public'])].map(quoteName).join(', ');
  const security = definer ? 'SECURITY DEFINER ' : '';
  return `CREATE OR REPLACE FUNCTION ${call} RETURNS ${gives} LANGUAGE plpgsql ${security}SET search_path = ${path} AS ${quoteText(body)}`;
}
