/** A file of statements, with `$1`, `$2`, ... where their values are. */
import { readFile, stat } from 'node:fs/promises';
import { Lines } from '../../core/database/sql/lines.ts';
import { SegueError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { SqlParser } from '../../ports/sql-parser.ts';

const { queriesMax } = limits.rehearsal;
const { fileBytesMax } = limits.database;

/** `shown` is how the user called it. */
export async function readQueries(
  file: string,
  shown: string,
  parser: SqlParser,
): Promise<readonly string[]> {
  const text = await textOf(file, shown);
  const parsed = parser.parse(text);
  if (!parsed.ok) {
    const { line, column } = new Lines(text).placeOf(parsed.at);
    throw new SegueError('USAGE', `${shown}:${line}:${column}: ${parsed.message}`);
  }
  if (parsed.statements.length > queriesMax)
    throw new SegueError('USAGE', `${shown} has more than ${queriesMax} statements.`);
  if (parsed.statements.length === 0) throw new SegueError('USAGE', `${shown} has no statement.`);
  return parsed.statements.map(({ start, end }) => text.slice(start, end).trim());
}

async function textOf(file: string, shown: string): Promise<string> {
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) throw new SegueError('USAGE', `There is no file ${shown}.`);
  if (found.size > fileBytesMax)
    throw new SegueError('USAGE', `${shown} is larger than ${fileBytesMax} bytes.`);
  return readFile(file, 'utf8');
}
