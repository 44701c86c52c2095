/** The files that a pattern names, in the order in which they run. */
import { glob, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import type { SqlFile } from '../../core/database/sql/lint.ts';
import { SegueError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { formatBytes } from '../../core/units.ts';

/** Names, folders (every .sql in them), globs, and - for what comes in on stdin. */
export async function readSqlFiles(cwd: string, patterns: readonly string[]): Promise<readonly SqlFile[]> {
  const names = new Set<string>();
  for (const pattern of patterns) for (const name of await namesFor(cwd, pattern)) names.add(name);
  if (names.size > limits.lint.filesMax)
    throw new SegueError(
      'USAGE',
      `These are ${names.size} files; at most ${limits.lint.filesMax} are read at once.`,
    );
  const files: SqlFile[] = [];
  for (const name of [...names].toSorted(inOrder)) files.push({ name, text: await readSql(cwd, name) });
  return files;
}

async function namesFor(cwd: string, pattern: string): Promise<readonly string[]> {
  if (pattern === STDIN) return [STDIN];
  const found = await stat(path.resolve(cwd, pattern)).catch(() => null);
  if (found?.isFile()) return [shown(pattern)];
  const below = found?.isDirectory() ? path.join(pattern, '**', '*.sql') : pattern;
  const names: string[] = [];
  for await (const name of glob(below, { cwd, exclude: (each) => path.basename(each) === 'node_modules' }))
    names.push(name);
  const sql = names.filter((name) => !found?.isDirectory() || name.endsWith('.sql'));
  if (sql.length === 0)
    throw new SegueError(
      'USAGE',
      found?.isDirectory() ? `There is no .sql file in "${pattern}".` : `No file matches "${pattern}".`,
    );
  return sql.map(shown);
}

const STDIN = '-';

const shown = (name: string) => path.normalize(name).split(path.sep).join('/');

/** 2 before 10, and the files of one change as they run. */
function inOrder(a: string, b: string): number {
  return BY_NUMBER.compare(sortable(a), sortable(b)) || (a < b ? -1 : 1);
}

const BY_NUMBER = new Intl.Collator('en', { numeric: true });
const PHASES: Readonly<Record<string, string>> = { expand: '1', backfill: '2', contract: '3', revert: '4' };

function sortable(name: string): string {
  return name.replace(
    /(expand|backfill|contract|revert)\.sql$/,
    (_, phase: string) => PHASES[phase] ?? phase,
  );
}

async function readSql(cwd: string, name: string): Promise<string> {
  if (name === STDIN) return textOf(process.stdin);
  const file = path.resolve(cwd, name);
  try {
    const { size } = await stat(file);
    if (size > limits.lint.fileBytesMax)
      throw new SegueError(
        'USAGE',
        `${name} has ${formatBytes(size)}; at most ${formatBytes(limits.lint.fileBytesMax)} are read.`,
      );
    return decode(await readFile(file));
  } catch (error) {
    if (error instanceof SegueError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new SegueError('USAGE', `${name} cannot be read (${code}).`, { cause: error });
  }
}

/** Some editors of another system write UTF-16; the mark at the beginning says so. */
function decode(bytes: Buffer): string {
  const mark = bytes.length < 2 ? 0 : bytes.readUInt16BE(0);
  if (mark === 0xff_fe) return new TextDecoder('utf-16le').decode(bytes);
  if (mark === 0xfe_ff) return new TextDecoder('utf-16be').decode(bytes);
  return bytes.toString('utf8');
}
