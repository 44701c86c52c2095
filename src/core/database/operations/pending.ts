/**
 * Rows that the new version wrote and that could not be brought to the old table at once: a small table of their keys,
 * the function that brings one, and the one that works them all off.
 */
import { limits } from '../../limits.ts';
import { quoteName, quoteTable, quoteText } from '../identifier.ts';
import {
  BEFORE_MOVING,
  functionText,
  insert,
  keysOf,
  keyText,
  moving,
  movingRows,
  type Names,
  type Pair,
  pendingKeys,
  target,
  update,
  workOut,
} from './pair-parts.ts';

const { moveWaitMs, movePollMs, moveInsertMs, settleRowsMax } = limits.database;

/** How long the statement under way has waited already: `<its beginning> <milliseconds>`. */
const WAITED = 'segue.waited';

/** What `patience` needs; declared where it is used. */
export const PATIENCE = `segue_began text := extract(epoch FROM statement_timestamp())::text; segue_since timestamptz; segue_waited float8 := 0;`;

/** One pause before a row is asked for again; or what is done instead, as somebody waits or the time is over. */
export const patience = (over: string): string[] => [
  'IF segue_since IS NULL THEN',
  '  segue_since := clock_timestamp();',
  `  IF split_part(current_setting('${WAITED}', true), ' ', 1) = segue_began THEN segue_waited := split_part(current_setting('${WAITED}', true), ' ', 2)::float8; END IF;`,
  'END IF;',
  `PERFORM set_config('${WAITED}', segue_began || ' ' || (segue_waited + extract(epoch FROM clock_timestamp() - segue_since) * 1000)::text, true);`,
  `IF segue_waited + extract(epoch FROM clock_timestamp() - segue_since) * 1000 >= ${moveWaitMs}`,
  '  OR EXISTS (SELECT FROM pg_catalog.pg_locks AS l WHERE NOT l.granted AND pg_backend_pid() = ANY(pg_blocking_pids(l.pid)))',
  `THEN ${over} END IF;`,
  `PERFORM pg_sleep(${movePollMs / 1_000});`,
];

export function pendingTable({ old, new: young }: Pair, { pending }: Names): string[] {
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

/**
 * Makes the old row what the new one is; false: it could not be had, and nothing was done. With what it was before
 * (`segue_was`), only columns that are other ones now: the old version may have written more than "down" gives back.
 */
export function bring(pair: Pair, names: Names): string {
  const { old, new: young } = pair;
  const oldKey = `(${keysOf('segue_target', old).join(', ')}) = (${old.key.map((_, i) => `segue_key.segue_o${i}`).join(', ')})`;
  const newKey = `(${keysOf('segue_source', young).join(', ')}) = (${young.key.map((_, i) => `segue_key.segue_n${i}`).join(', ')})`;
  const source = `(SELECT * FROM ${quoteTable(young.table)} AS segue_source WHERE ${newKey})`;
  const lock = (strength: string) =>
    `PERFORM 1 FROM ${target(old)} WHERE ${oldKey} FOR ${strength} SKIP LOCKED;`;
  const changed = (name: string) =>
    `CASE WHEN record_image_eq(ROW(segue_was.${name}), ROW(segue_row.${name})) THEN segue_target.${name} ELSE segue_row.${name} END`;
  const body = [
    '#variable_conflict use_column',
    `DECLARE segue_row ${quoteTable(old.table)}%ROWTYPE; segue_there boolean; segue_limit text := current_setting('lock_timeout'); ${PATIENCE}`,
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
    ...patience('RETURN false;'),
    'END LOOP;',
    // As it is now that the old row is held: nobody changes one without the other.
    `${workOut(old, 'segue_row', source, young.table)};`,
    'IF FOUND THEN',
    '  IF segue_was IS NULL THEN',
    `    ${update(old, 'segue_row', (name) => `segue_row.${name}`)}`,
    `  ELSE ${update(old, 'segue_row', changed)} END IF;`,
    `ELSE DELETE FROM ${target(old)} WHERE ${oldKey}; END IF;`,
    'RETURN true;',
    'END',
  ].join('\n');
  const given = `segue_key ${names.pending}, segue_was ${quoteTable(old.table)} DEFAULT NULL`;
  return functionText(`${names.bring}(${given})`, 'boolean', young.table, body, false);
}

/** Brings what is pending in step, as far as nobody holds it; gives how many are left. */
export function settling(pair: Pair, names: Names): string {
  const keys = pendingKeys(pair).join(', ');
  const row = `ROW(${[...pendingKeys(pair).map((key) => `segue_each.${key}`), 'NULL'].join(', ')})::${names.pending}`;
  const body = [
    `DECLARE segue_each record; ${BEFORE_MOVING};`,
    'BEGIN',
    ...moving(pair, [
      // Only those that were there before the new row is read: what comes later says something newer.
      `FOR segue_each IN SELECT ${keys}, array_agg(segue_id) AS segue_ids FROM ${names.pending} GROUP BY ${keys} ORDER BY min(segue_id) LIMIT ${settleRowsMax} LOOP`,
      `  ${movingRows([keyText(pair.old.key.map((_, i) => `segue_each.segue_o${i}`))])}`,
      `  IF ${names.bring}(${row}) THEN DELETE FROM ${names.pending} WHERE segue_id = ANY(segue_each.segue_ids); END IF;`,
      'END LOOP;',
    ]),
    `RETURN (SELECT count(*) FROM ${names.pending});`,
    'END',
  ].join('\n');
  return functionText(`${names.settle}()`, 'integer', pair.new.table, body, false);
}

/** As a statement of a step: it is tried again until nothing is left. */
export function settleNow({ settle }: Names): string {
  const call = `IF to_regprocedure(${quoteText(`${settle}()`)}) IS NOT NULL THEN EXECUTE ${quoteText(`SELECT ${settle}()`)} INTO n; END IF;`;
  const left = `IF n > 0 THEN RAISE EXCEPTION '% rows of the old table are held by others', n USING ERRCODE = 'lock_not_available'; END IF;`;
  return `DO ${quoteText(`DECLARE n int := 0; BEGIN ${call} ${left} END`)}`;
}
