/** UPDATE, DELETE and INSERT of a migration as backfills, which are run in batches until nothing is left to do. */
import { charsAt, type SqlNode } from '../parsed.ts';
import type { Statement } from '../statement.ts';
import { child, everyOf, itemsOf, quoteName, showTable, tableOf, whole, word, words } from '../tree.ts';
import { volatilityOf } from '../volatility.ts';
import { batch } from './columns.ts';
import { hasChild } from './commands.ts';
import { type Importing, sourceOf } from './parts.ts';

export function importData(into: Importing, statement: Statement): void {
  const { kind, node } = statement;
  const table = tableOf(child(node, 'relation'));
  const source = sourceOf(statement);
  if (into.state.isNew(table)) {
    into.expand(`${source};`);
    return;
  }
  if (kind === 'UpdateStmt') update(into, statement);
  else if (kind === 'DeleteStmt') remove(into, statement);
  else insert(into, statement);
}

function update(into: Importing, statement: Statement): void {
  const { node } = statement;
  const table = tableOf(child(node, 'relation'));
  const set = setsOf(statement);
  const where = whereOf(statement);
  if (
    !set ||
    hasChild(child(node, 'relation'), 'alias') ||
    'fromClause' in node ||
    'withClause' in node ||
    'returningList' in node
  ) {
    into.expand(`${sourceOf(statement)};`);
    into.open(
      statement,
      `This UPDATE of ${showTable(table)} cannot be made into batches by itself: it is in expand.sql as it was.`,
    );
    return;
  }
  const condition = [where === null ? null : `(${where})`, set.condition]
    .filter((each) => each !== null)
    .join(' AND ');
  for (const { name, value } of set.values) into.fill(table, name, value, where);
  into.backfill(batch(table, set.text, condition));
  into.note(
    statement,
    `What ${showTable(table)} held before this UPDATE is not kept: revert.sql cannot bring it back. What the old version writes after the backfill stays as it writes it.`,
  );
}

interface Sets {
  readonly text: string;
  readonly values: readonly { readonly name: string; readonly value: string }[];
  /** Rows that are not done yet: so that batches come to an end. */
  readonly condition: string;
}

/** Null where doing it twice would be something else than doing it once. */
function setsOf(statement: Statement): Sets | null {
  const { text, node } = statement;
  const targets = itemsOf(node, 'targetList', 'ResTarget');
  const names = targets.map((each) => word(each, 'name'));
  const usesOwn = targets.some((each) =>
    [...everyOf(each['val'], 'ColumnRef')].some((ref) => names.includes(words(ref, 'fields').at(-1) ?? '')),
  );
  const isOdd = targets.some(
    (each) =>
      'indirection' in each ||
      hasChild(child(each, 'val'), 'MultiAssignRef') ||
      hasChild(child(each, 'val'), 'SetToDefault'),
  );
  if (usesOwn || isOdd) return null;
  const starts = targets.map((each) => charsAt(text, whole(each, 'location') ?? 0));
  const end = endOfSets(text, starts.at(-1) ?? 0);
  const values = targets.map((_, i) => {
    const piece = text
      .slice(starts[i], starts[i + 1] ?? end)
      .trim()
      .replace(/,$/, '')
      .trim();
    return piece.slice(piece.indexOf('=') + 1).trim();
  });
  const isSteady = targets.every((each) => isSame(child(each, 'val')));
  const assigned = names.map((name, i) => `${quoteName(name)} = ${values[i]}`).join(', ');
  // A value that is another one each time can only be told from none.
  const undone = names.map((name, i) =>
    isSteady ? `${quoteName(name)} IS DISTINCT FROM (${values[i]})` : `${quoteName(name)} IS NULL`,
  );
  const pairs = names.map((name, i) => ({ name, value: values[i] ?? 'NULL' }));
  return {
    text: assigned,
    values: pairs,
    condition: undone.length === 1 ? String(undone[0]) : `(${undone.join(' OR ')})`,
  };
}

const ANY_SERVER = { isVolatile: () => null };

/** now() differs from one transaction to the next, although it is the same in each. */
function isSame(value: SqlNode): boolean {
  for (const call of everyOf(value, 'FuncCall')) {
    const name = words(call, 'funcname').at(-1) ?? '';
    if (CHANGING.has(name) || volatilityOf({ FuncCall: call }, ANY_SERVER).type !== 'steady') return false;
  }
  return [...everyOf(value, 'SQLValueFunction')].length === 0;
}

const CHANGING: ReadonlySet<string> = new Set([
  'now',
  'statement_timestamp',
  'transaction_timestamp',
  'age',
  'txid_current',
  'pg_current_xact_id',
]);

/** Where the list of assignments ends: WHERE outside of brackets and quotes, or the end. */
function endOfSets(text: string, from: number): number {
  return keywordAt(text, 'where', from) ?? text.length;
}

function keywordAt(text: string, keyword: string, from: number): number | null {
  let depth = 0;
  const tokens =
    /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\/|[()[\]]|\b\w+\b/g;
  tokens.lastIndex = from;
  for (let match = tokens.exec(text); match; match = tokens.exec(text)) {
    if (match[0] === '(' || match[0] === '[') depth += 1;
    if (match[0] === ')' || match[0] === ']') depth -= 1;
    if (depth === 0 && match[0].toLowerCase() === keyword) return match.index;
  }
  return null;
}

function whereOf({ text, node }: Statement): string | null {
  if (!('whereClause' in node)) return null;
  const at = keywordAt(text, 'where', 0);
  return at === null ? null : text.slice(at + 'where'.length).trim();
}

function remove(into: Importing, statement: Statement): void {
  const { node } = statement;
  const table = tableOf(child(node, 'relation'));
  const where = whereOf(statement);
  // The old version may still read the rows.
  into.contract(`${sourceOf(statement)};`);
  into.note(
    statement,
    `Rows of ${showTable(table)}${where === null ? '' : ` where ${where}`} are deleted in contract.sql, all at once: revert.sql cannot bring them back.`,
  );
}

function insert(into: Importing, statement: Statement): void {
  const { node } = statement;
  const table = showTable(tableOf(child(node, 'relation')));
  const isValues = 'valuesLists' in child(child(node, 'selectStmt'), 'SelectStmt');
  into.expand(`${sourceOf(statement)};`);
  if (isValues)
    into.note(
      statement,
      `The rows put into ${table} stay there after a revert, and come once more when the change is made again.`,
    );
  else
    into.open(
      statement,
      `This INSERT into ${table} is in expand.sql as it was: it runs as one statement, and its rows stay there after a revert.`,
    );
}
