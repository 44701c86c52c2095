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
import { quoteName, quoteTable, quoteText } from '../identifier.ts';
import { isFilling } from '../triggers.ts';
import {
  BEFORE_MOVING,
  EVERY_ROW,
  insert,
  keyRow,
  keysOf,
  keyText,
  type MadeTrigger,
  moving,
  movingRows,
  type Names,
  namesOf,
  type Pair,
  pendingKeys,
  pendingNew,
  pendingOld,
  type Side,
  standsBack,
  target,
  trigger,
  update,
  updateAll,
  where,
  workOut,
} from './pair-parts.ts';
import { bring, PATIENCE, patience, pendingTable, settleNow, settling } from './pending.ts';

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
  /** Takes rows of the new table away that this transaction made, and that are pending: they were deleted meanwhile. */
  readonly recall: string;
}

export function pairSql(pair: Pair): PairSql {
  const names = namesOf(pair);
  const { old, new: young } = pair;
  const forward = both(
    trigger(old.table, names.forward, forwardBody(pair, names)),
    trigger(old.table, names.emptied, emptiedBody(pair, names, old, young), 'TRUNCATE'),
  );
  const reverse = both(
    trigger(young.table, names.reverse, reverseBody(pair, names)),
    trigger(young.table, names.emptying, emptiedBody(pair, names, young, old), 'TRUNCATE'),
  );
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
    settled: `NOT EXISTS (SELECT FROM ${names.pending} AS segue_pending WHERE (${pendingOld(pair)}) = (${keysOf(quoteName(old.table.name), old).join(', ')}))`,
    recall: `DELETE FROM ${target(young)} USING ${names.pending} AS segue_pending WHERE (${keysOf('segue_target', young).join(', ')}) = (${pendingNew(pair)}) AND segue_target.xmin = pg_current_xact_id()::xid`,
  };
}

const both = (one: MadeTrigger, other: MadeTrigger): MadeTrigger => ({
  create: [...one.create, ...other.create],
  drop: [...one.drop, ...other.drop],
});

/** What a statement of the old version did, for the new table. It waits for whoever is writing the row there. */
function forwardBody(pair: Pair, names: Names): string[] {
  const { old, new: young } = pair;
  const same = [...keysOf('OLD', old), ...keysOf('segue_old', young)];
  const now = [...keysOf('NEW', old), ...keysOf('segue_new', young)];
  const pending = (record: string) =>
    `SELECT array_agg(segue_id) INTO segue_ids FROM ${names.pending} AS segue_pending WHERE (${pendingOld(pair)}) = (${keysOf(record, old).join(', ')});`;
  const forget = `IF segue_ids IS NOT NULL THEN DELETE FROM ${names.pending} WHERE segue_id = ANY(segue_ids); END IF;`;
  // What this statement did not change stays as the new version wrote it: "up" may know less.
  const changed = (name: string) =>
    `CASE WHEN record_image_eq(ROW(segue_old.${name}), ROW(segue_new.${name})) THEN segue_target.${name} ELSE segue_new.${name} END`;
  const bringNew = `PERFORM ${names.bring}(${keyRow(pair, names, 'NEW', 'segue_new')});`;
  return [
    `DECLARE segue_old ${quoteTable(young.table)}%ROWTYPE; segue_new ${quoteTable(young.table)}%ROWTYPE; segue_ids bigint[]; segue_there boolean; segue_same boolean := false; segue_done boolean := false; segue_tries int := 0; ${BEFORE_MOVING};`,
    'BEGIN',
    `IF ${standsBack(pair, old)} THEN RETURN NULL; END IF;`,
    `IF TG_OP <> 'INSERT' THEN ${workOut(young, 'segue_old', '(SELECT OLD.*)', old.table)}; END IF;`,
    `IF TG_OP <> 'DELETE' THEN ${workOut(young, 'segue_new', '(SELECT NEW.*)', old.table)}; END IF;`,
    `IF TG_OP = 'UPDATE' THEN`,
    '  IF record_image_eq(segue_old, segue_new) THEN RETURN NULL; END IF;',
    `  segue_same := ROW(${same.join(', ')}) IS NOT DISTINCT FROM ROW(${now.join(', ')});`,
    'END IF;',
    ...moving(pair, [
      movingRows([
        keyText(keysOf('segue_old', young)),
        keyText(keysOf('segue_new', young)),
        keyText(keysOf('NEW', old)),
      ]),
      `IF TG_OP <> 'INSERT' AND NOT segue_same THEN`,
      `  PERFORM 1 FROM ${target(young)} WHERE ${where(young, 'segue_old')} FOR UPDATE;`,
      '  segue_there := FOUND;',
      `  ${pending('OLD')}`,
      ...(young.movable ? [`  IF TG_OP = 'UPDATE' THEN`, ...keyMoved(), '  END IF;'] : []),
      `  IF NOT segue_done THEN DELETE FROM ${target(young)} WHERE ${where(young, 'segue_old')}; END IF;`,
      `  ${forget}`,
      'END IF;',
      `WHILE TG_OP <> 'DELETE' AND NOT segue_done LOOP`,
      `  PERFORM 1 FROM ${target(young)} WHERE ${where(young, 'segue_new')} FOR NO KEY UPDATE;`,
      '  segue_there := FOUND;',
      `  ${pending('NEW')}`,
      '  IF segue_same AND (segue_there OR segue_ids IS NOT NULL) THEN',
      `    ${update(young, 'segue_new', changed)}`,
      // The new version came first: only what this statement changed counts over it.
      `    IF segue_ids IS NOT NULL THEN ${bringNew} END IF;`,
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
    ]),
  ];

  /** The row gets its new key and stays what it is: columns that the old table does not know, and what points at it. */
  function keyMoved(): string[] {
    return [
      '    IF segue_there THEN',
      '      BEGIN',
      `        ${updateAll(young, 'segue_old', changed)}`,
      '        segue_done := FOUND;',
      // Another row has that key: that one becomes what the old one is now.
      '      EXCEPTION WHEN unique_violation THEN NULL;',
      '      END;',
      // The new version deleted it, and came first.
      '    ELSE segue_done := segue_ids IS NOT NULL;',
      '    END IF;',
      `    IF segue_done AND segue_ids IS NOT NULL THEN ${bringNew} END IF;`,
    ];
  }
}

/** What a statement of the new version did, for the old table. */
function reverseBody(pair: Pair, names: Names): string[] {
  const { old, new: young } = pair;
  const whole = (record: string, variable: string) =>
    `ROW(${[...keysOf(variable, old), ...keysOf(record, young)].join(', ')})`;
  const columns = pendingKeys(pair);
  const keep = `INSERT INTO ${names.pending} (${columns.join(', ')}) VALUES (${columns.map((key) => `segue_key.${key}`).join(', ')});`;
  const pass = (record: string, variable: string, ...was: string[]) => [
    `  segue_key := ${keyRow(pair, names, variable, record)};`,
    `  IF NOT ${names.bring}(${['segue_key', ...was].join(', ')}) THEN ${keep} END IF;`,
  ];
  return [
    `DECLARE segue_old ${quoteTable(old.table)}%ROWTYPE; segue_new ${quoteTable(old.table)}%ROWTYPE; segue_was ${quoteTable(old.table)}%ROWTYPE; segue_key ${names.pending}; ${BEFORE_MOVING}; ${PATIENCE}`,
    'BEGIN',
    `IF ${standsBack(pair, young)} OR ${isFilling(pair.change, pair.index)} THEN RETURN NULL; END IF;`,
    `IF TG_OP <> 'INSERT' THEN ${workOut(old, 'segue_old', '(SELECT OLD.*)', young.table)}; END IF;`,
    `IF TG_OP <> 'DELETE' THEN ${workOut(old, 'segue_new', '(SELECT NEW.*)', young.table)}; END IF;`,
    `IF TG_OP = 'UPDATE' THEN`,
    '  IF record_image_eq(segue_old, segue_new) THEN RETURN NULL; END IF;',
    '  segue_was := segue_old;',
    'END IF;',
    ...moving(pair, [
      movingRows([keyText(keysOf('segue_old', old)), keyText(keysOf('segue_new', old))]),
      `IF TG_OP = 'DELETE' THEN`,
      ...pass('OLD', 'segue_old'),
      'ELSE',
      `  IF TG_OP = 'UPDATE' THEN IF ${whole('OLD', 'segue_old')} IS DISTINCT FROM ${whole('NEW', 'segue_new')} THEN`,
      // Until its row has the new key there is none that is in step with what this one was.
      '  segue_was := NULL;',
      ...(old.movable ? oldKeyMoved(old) : []),
      ...pass('OLD', 'segue_old'),
      '  END IF; END IF;',
      ...pass('NEW', 'segue_new', 'segue_was'),
      'END IF;',
    ]),
  ];
}

/**
 * The old row gets its new key; where it cannot be had, and has columns that the new table does not know, the statement
 * fails: a key that is pending says nothing of the one that it was.
 */
function oldKeyMoved(old: Side): string[] {
  const own = where(old, 'segue_old');
  const set = old.key.map((name) => `${quoteName(name)} = segue_new.${quoteName(name)}`).join(', ');
  const over = old.whole
    ? 'EXIT;'
    : `RAISE EXCEPTION 'the row of ${old.table.name.replaceAll("'", "''").replaceAll('%', '%%')} whose key changes is held by others' USING ERRCODE = 'lock_not_available';`;
  return [
    'LOOP',
    `  PERFORM 1 FROM ${target(old)} WHERE ${own} FOR UPDATE SKIP LOCKED;`,
    '  IF FOUND THEN',
    `    BEGIN UPDATE ${target(old)} SET ${set} WHERE ${own}; segue_was := segue_old; EXCEPTION WHEN unique_violation THEN NULL; END;`,
    '    EXIT;',
    '  END IF;',
    `  PERFORM 1 FROM ${target(old)} WHERE ${own};`,
    '  EXIT WHEN NOT FOUND;',
    ...patience(over),
    'END LOOP;',
  ];
}

/** TRUNCATE, for the other side: as if each row had been deleted, which no trigger for rows is told. */
function emptiedBody(pair: Pair, names: Names, from: Side, to: Side): string[] {
  const keys = to.key.map((name, index) => `(${to.columns[name] ?? 'NULL'}) AS segue_k${index}`).join(', ');
  const of = to.key.map((_, index) => `segue_gone.segue_k${index}`).join(', ');
  const gone = `(SELECT ${keys} FROM ${quoteTable(from.table)} AS ${quoteName(from.table.name)}) AS segue_gone`;
  const pending = from === pair.old ? pendingNew(pair) : pendingOld(pair);
  return [
    `DECLARE ${BEFORE_MOVING};`,
    'BEGIN',
    ...moving(pair, [
      movingRows([quoteText(EVERY_ROW)]),
      `DELETE FROM ${target(to)} USING ${gone} WHERE (${keysOf('segue_target', to).join(', ')}) = (${of});`,
      `DELETE FROM ${names.pending} AS segue_pending USING ${gone} WHERE (${pending}) = (${of});`,
    ]),
  ];
}
