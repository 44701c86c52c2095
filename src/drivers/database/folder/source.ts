/** The folders of the changes: `change.yaml`, or SQL files, one for each phase. */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Body, Change, Operation, RehearsedQueries, SqlFiles } from '../../../core/database/change.ts';
import type { Place } from '../../../core/errors.ts';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import { unfitForItsTransaction } from '../../../core/database/sql/own-transaction.ts';
import type { ChangeSource } from '../../../ports/database.ts';
import type { SqlParser } from '../../../ports/sql-parser.ts';
import { parseChange } from '../../../wire/change/parse.ts';
import { formatProblem, type Problem } from '../../../wire/file/problem.ts';

const FOLDER = /^\d{4,14}[-_][\w-]+$/;
const PHASES = ['expand', 'backfill', 'contract', 'revert'] as const;
const DECLARED = 'change.yaml';

const { changesMax, fileBytesMax } = limits.database;

export function changesFolder(openParser: () => Promise<SqlParser>): ChangeSource {
  return { read: (dir) => readChanges(dir, openParser) };
}

type Read = { readonly change: Change } | { readonly problems: readonly Problem[] };

async function readChanges(dir: string, openParser: () => Promise<SqlParser>): Promise<readonly Change[]> {
  const names = await foldersIn(dir);
  const read: Read[] = [];
  for (const name of names) read.push(await readChange(path.join(dir, name), name, openParser));
  const problems = read.flatMap((each) => ('problems' in each ? each.problems : []));
  const [first] = problems;
  if (first)
    throw new SegueError('CHANGE_INVALID', problems.map(formatProblem).join('\n'), { place: first.place });
  return read.flatMap((each) => ('change' in each ? [each.change] : []));
}

async function foldersIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error: unknown) => {
    // No folder yet: no change yet.
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT') return [];
    const why = code === 'ENOTDIR' ? 'is no folder' : `cannot be read (${code})`;
    throw new SegueError('CHANGE_INVALID', `${dir} ${why}.`, { cause: error });
  });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const odd = names.find((name) => !FOLDER.test(name));
  if (odd !== undefined)
    throw new SegueError(
      'CHANGE_INVALID',
      `${path.join(dir, odd)}: expected a number and a name, such as 0007-split-name.`,
    );
  if (names.length > changesMax)
    throw new SegueError('CHANGE_INVALID', `${dir} has more than ${changesMax} changes.`);
  return names.toSorted((a, b) => (a < b ? -1 : 1));
}

async function readChange(dir: string, name: string, openParser: () => Promise<SqlParser>): Promise<Read> {
  const declared = await readText(path.join(dir, DECLARED));
  const texts = await Promise.all(PHASES.map((phase) => readText(path.join(dir, `${phase}.sql`))));
  const written = texts.some((text) => text !== null);
  const whole = (message: string): Read => ({
    problems: [{ place: { file: dir, line: 1, column: 1 }, message }],
  });
  if (declared !== null && written) return whole(`has ${DECLARED} and SQL files; expected one of the two`);
  if (declared !== null) {
    const parsed = parseChange(declared, path.join(dir, DECLARED));
    if (!parsed.ok) return { problems: parsed.problems };
    const { keepMs, operations, rehearse } = parsed;
    const problems = await problemsOfSql(operations, path.join(dir, DECLARED), openParser);
    if (problems.length > 0) return { problems };
    const said = await queriesIn(dir, openParser);
    if ('problems' in said) return said;
    const queries = { old: [...rehearse.old, ...said.old], new: [...rehearse.new, ...said.new] };
    return { change: changeOf(name, keepMs, { form: 'operations', operations }, queries) };
  }
  if (!written) return whole(`has neither ${DECLARED} nor expand.sql`);
  const parser = await openParser();
  const parts = PHASES.map((phase, index) =>
    statementsOf(parser, texts[index] ?? '', path.join(dir, `${phase}.sql`)),
  );
  const problems = parts.flatMap((part) => part.problems);
  if (problems.length > 0) return { problems };
  const [expand, backfill, contract, revert] = parts.map((part) => part.statements);
  const files: SqlFiles = {
    expand: expand ?? [],
    backfill: backfill ?? [],
    contract: contract ?? [],
    revert: revert ?? [],
  };
  const said = await queriesIn(dir, openParser);
  return 'problems' in said ? said : { change: changeOf(name, 0, { form: 'sql', files }, said) };
}

/** SQL within a `change.yaml`: what the database would refuse is said before anything is done. */
async function problemsOfSql(
  operations: readonly Operation[],
  file: string,
  openParser: () => Promise<SqlParser>,
): Promise<readonly Problem[]> {
  const written = operations.flatMap((operation, index) =>
    operation.type === 'sql'
      ? (['lock', 'up', 'down', 'contract'] as const).flatMap((key) => {
          const text = operation[key];
          return text === null ? [] : [{ text, where: `operations[${index}].sql.${key}` }];
        })
      : [],
  );
  if (written.length === 0) return [];
  const parser = await openParser();
  const place = { file, line: 1, column: 1 };
  return written.flatMap(({ text, where }) =>
    statementsOf(parser, text, file, true).problems.map(({ message }) => ({
      place,
      message: `${where}: ${message}`,
    })),
  );
}

/** What programs send is not what is done to the database: it may be edited whenever. */
function changeOf(name: string, keepMs: number, body: Body, { old, new: late }: RehearsedQueries): Change {
  const digest = createHash('sha256').update(JSON.stringify({ body, keepMs })).digest('hex');
  const isSaid = old.length > 0 || late.length > 0;
  return { name, digest, keepMs, body, ...(isSaid ? { rehearse: { old, new: late } } : {}) };
}

/** `old.sql` and `new.sql`, beside either form. */
async function queriesIn(
  dir: string,
  openParser: () => Promise<SqlParser>,
): Promise<RehearsedQueries | { readonly problems: readonly Problem[] }> {
  const files = ['old', 'new'].map((side) => path.join(dir, `${side}.sql`));
  const texts = await Promise.all(files.map(readText));
  if (texts.every((text) => text === null)) return { old: [], new: [] };
  const parser = await openParser();
  const [old, late] = texts.map((text, index) => statementsOf(parser, text ?? '', files[index] ?? dir));
  const problems = [...(old?.problems ?? []), ...(late?.problems ?? [])];
  return problems.length > 0 ? { problems } : { old: old?.statements ?? [], new: late?.statements ?? [] };
}

async function readText(file: string): Promise<string | null> {
  try {
    const { size } = await stat(file);
    if (size > fileBytesMax)
      throw new SegueError('CHANGE_INVALID', `${file} is larger than ${fileBytesMax} bytes.`);
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

interface Statements {
  readonly statements: readonly string[];
  readonly problems: readonly Problem[];
}

function statementsOf(parser: SqlParser, text: string, file: string, together = false): Statements {
  // A placeholder is no SQL: for the parser it is a number of the same length.
  const parsed = parser.parse(text.replace(/:rows\b/g, '12345'));
  if (!parsed.ok)
    return { statements: [], problems: [{ place: placeAt(file, text, parsed.at), message: parsed.message }] };
  const statements = parsed.statements.map(({ start, end }) => text.slice(start, end).trim());
  const problems = parsed.statements.flatMap((statement, index) => {
    const sql = statements[index] ?? '';
    const why = unfitForItsTransaction(statement, sql, together);
    if (why === null) return [];
    const from = text.slice(statement.start);
    const at = statement.start + from.length - from.trimStart().length;
    return [{ place: placeAt(file, text, at), message: `${sql.split('\n')[0]}: ${why}` }];
  });
  return { statements, problems };
}

function placeAt(file: string, text: string, at: number): Place {
  const lines = text.slice(0, at).split('\n');
  return { file, line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}
