/** PostgreSQL's parser as WebAssembly (libpg_query 18). It reads what older servers read, and a little more. */
import type * as library from 'libpg-query';
import {
  type BodyPart,
  charsAt,
  charsOfPoints,
  type ParsedBody,
  type ParsedSql,
  type ParsedStatement,
  type SqlNode,
} from '../../../core/database/sql/parsed.ts';
import type { SqlParser } from '../../../ports/sql-parser.ts';

type Library = typeof library;

/** The library is large, and most processes need none of it. */
export async function openSqlParser(): Promise<SqlParser> {
  const loaded = await import('libpg-query');
  await loaded.loadModule();
  return {
    parse: (sql) => parse(loaded, sql),
    parseBody: (sql) => parseBody(loaded, sql),
  };
}

function parse({ parseSync, SqlError }: Library, sql: string): ParsedSql {
  // The parser is written in C: it would end there, and find nothing wrong with the rest.
  const nul = sql.indexOf('\0');
  if (nul !== -1) return { ok: false, message: 'a NUL character, which no SQL has', at: nul };
  if (sql.trim() === '') return { ok: true, statements: [] };
  try {
    const { stmts } = record(parseSync(sql));
    return { ok: true, statements: list(stmts).map((each) => statementOf(record(each), sql)) };
  } catch (error) {
    return { ok: false, ...problemOf(error, sql, SqlError) };
  }
}

function statementOf(raw: SqlNode, sql: string): ParsedStatement {
  const [entry] = Object.entries(record(raw['stmt']));
  const [kind, node] = entry ?? ['Empty', {}];
  const startBytes = wholeOr(raw['stmt_location'], 0);
  const start = charsAt(sql, startBytes);
  const lengthBytes = wholeOr(raw['stmt_len'], 0);
  const end = lengthBytes === 0 ? sql.length : start + charsAt(sql.slice(start), lengthBytes);
  return { kind, node: record(node), start, end };
}

function problemOf(
  error: unknown,
  sql: string,
  SqlError: Library['SqlError'],
): { message: string; at: number } {
  if (error instanceof SqlError)
    return { message: error.message, at: charsOfPoints(sql, error.sqlDetails?.cursorPosition ?? 0) };
  // The stack of the WebAssembly is finite, and so is that of what reads its answer.
  if (error instanceof RangeError || (error instanceof Error && error.name === 'RuntimeError'))
    return { message: 'it is nested too deeply to be read', at: 0 };
  return { message: error instanceof Error ? error.message : String(error), at: 0 };
}

function parseBody({ parsePlPgSQLSync, SqlError }: Library, sql: string): ParsedBody {
  if (sql.includes('\0')) return { ok: false, message: 'a NUL character, which no SQL has' };
  try {
    const parts: BodyPart[] = [];
    collect(parsePlPgSQLSync(sql), 0, parts);
    return { ok: true, parts };
  } catch (error) {
    return { ok: false, message: problemOf(error, sql, SqlError).message };
  }
}

/** Statements in the order in which they are written, through every branch and loop. */
function collect(value: unknown, line: number, parts: BodyPart[]): void {
  if (Array.isArray(value)) {
    for (const each of value) collect(each, line, parts);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [name, child] of Object.entries(value)) {
    const inside = record(child);
    const here = wholeOr(inside['lineno'], line);
    const text = EXECUTES.has(name) ? queryOf(inside['query']) : queryOf(inside['sqlstmt']);
    if (name === 'PLpgSQL_stmt_execsql' && text !== null) parts.push({ type: 'statement', text, line: here });
    else if (EXECUTES.has(name) && text !== null) parts.push({ type: 'execute', text, line: here });
    else collect(child, here, parts);
  }
}

const EXECUTES: ReadonlySet<string> = new Set(['PLpgSQL_stmt_dynexecute', 'PLpgSQL_stmt_dynfors']);

function queryOf(value: unknown): string | null {
  const query = record(record(value)['PLpgSQL_expr'])['query'];
  return typeof query === 'string' ? query : null;
}

function record(value: unknown): SqlNode {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is SqlNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function wholeOr(value: unknown, fallback: number): number {
  return typeof value === 'number' && Number.isInteger(value) ? value : fallback;
}
