/** The table of rules. A new one is an entry and a check in the file of its topic. */
import { checkColumns, COLUMN_RULES } from './columns.ts';
import { checkConstraints, checkForeignKeyIndexes, CONSTRAINT_RULES } from './constraints.ts';
import { FILE_RULES } from './files.ts';
import { checkHygiene, HYGIENE_RULES } from './hygiene.ts';
import { checkIndexes, INDEX_RULES } from './indexes.ts';
import type { Check, Hit, Rules } from './rule.ts';
import { checkMoves, checkTables, TABLE_RULES } from './tables.ts';
import { checkEndOfFile, checkTransactions, TRANSACTION_RULES } from './transactions.ts';
import { checkTypes, TYPE_RULES } from './types.ts';
import type { FileState } from '../file-state.ts';
import type { Statement } from '../statement.ts';

/** By topic, in the order of the documentation. */
export const RULE_TOPICS: readonly (readonly [topic: string, rules: Rules])[] = [
  ['Columns', COLUMN_RULES],
  ['Constraints', CONSTRAINT_RULES],
  ['Indexes and partitions', INDEX_RULES],
  ['Tables and schemas', TABLE_RULES],
  ['Types', TYPE_RULES],
  ['Transactions and data', TRANSACTION_RULES],
  ['Hygiene', HYGIENE_RULES],
  ['Files and comments', FILE_RULES],
];

export const RULES: Rules = Object.fromEntries(RULE_TOPICS.flatMap(([, rules]) => Object.entries(rules)));

export const CHECKS: readonly Check[] = [
  checkColumns,
  checkConstraints,
  checkIndexes,
  checkTables,
  checkTypes,
  checkTransactions,
  checkHygiene,
];

/** What only the whole file shows. */
export function* checkWholeFile(statements: readonly Statement[], state: FileState): Generator<Hit> {
  yield* checkForeignKeyIndexes(statements, state);
  yield* checkMoves(statements, state);
  yield* checkEndOfFile(statements, state);
}
