/** What a DO does, and a function that the same file calls: the statements in it, as far as they can be read. */
import type { BodyPart, ParsedBody, ParsedSql, SqlNode } from './parsed.ts';
import type { Statement } from './statement.ts';
import { child, items, named, option, word, words } from './tree.ts';

/** PostgreSQL's grammar: see the port. */
export interface Grammar {
  parse(sql: string): ParsedSql;
  parseBody(sql: string): ParsedBody;
}

export type Inside =
  | { readonly type: 'statements'; readonly statements: readonly Statement[] }
  | { readonly type: 'unread'; readonly at: number; readonly why: string };

/** Of a DO or a CREATE FUNCTION, in its order. `at` is where each is said to be; null: where it is written. */
export function readBody(statement: Statement, grammar: Grammar, at: number | null): readonly Inside[] {
  const language = languageOf(statement);
  const whole = statement.text.slice(statement.start, statement.end);
  const body = bodyOf(statement);
  const begin = statement.base + statement.start;
  if (body === null) return [];
  const bodyAt = begin + Math.max(0, whole.indexOf(body));
  if (language === 'sql') return [readText(body, grammar, at ?? bodyAt)];
  // Compiled code: what it does is no SQL.
  if (language === 'c' || language === 'internal') return [];
  if (language !== 'plpgsql')
    return [{ type: 'unread', at: at ?? begin, why: `It is written in ${language}, which is not read.` }];
  const parsed = grammar.parseBody(whole);
  if (!parsed.ok)
    return [{ type: 'unread', at: at ?? begin, why: `Its body is not read: ${parsed.message}.` }];
  return parsed.parts.map((part) => readPart(part, grammar, at ?? bodyAt + offsetOfLine(body, part.line)));
}

function readPart({ type, text }: BodyPart, grammar: Grammar, at: number): Inside {
  if (type === 'statement') return readText(text, grammar, at);
  const constant = constantOf(text, grammar);
  if (constant !== null) return readText(constant, grammar, at);
  return {
    type: 'unread',
    at,
    why: 'EXECUTE runs a text that is put together meanwhile: it cannot be read.',
  };
}

function readText(text: string, grammar: Grammar, at: number): Inside {
  const parsed = grammar.parse(text);
  if (!parsed.ok) return { type: 'unread', at, why: `A statement in it is not read: ${parsed.message}.` };
  const statements = parsed.statements.map((each) => ({
    ...each,
    text,
    base: at - each.start,
    inBody: true,
  }));
  return { type: 'statements', statements };
}

/** EXECUTE 'ALTER TABLE ...' is as good as the statement. */
function constantOf(expression: string, grammar: Grammar): string | null {
  const parsed = grammar.parse(`SELECT ${expression}`);
  const [select] = parsed.ok ? parsed.statements : [];
  const [target] = select ? items(select.node, 'targetList') : [];
  const value = target ? named(target.node['val']) : null;
  return value?.kind === 'A_Const' ? word(child(value.node, 'sval'), 'sval') || null : null;
}

function languageOf({ kind, node }: Statement): string {
  const told = option(node, kind === 'DoStmt' ? 'args' : 'options', 'language');
  return told ? word(told.node, 'sval').toLowerCase() : 'plpgsql';
}

function bodyOf({ kind, node }: Statement): string | null {
  const told = option(node, kind === 'DoStmt' ? 'args' : 'options', 'as');
  if (!told) return null;
  return told.kind === 'List' ? word(firstOf(told.node), 'sval') : word(told.node, 'sval');
}

function firstOf(list: SqlNode): SqlNode {
  return items(list, 'items')[0]?.node ?? {};
}

function offsetOfLine(text: string, line: number): number {
  let at = 0;
  for (let seen = 1; seen < line; seen += 1) {
    const end = text.indexOf('\n', at);
    if (end === -1) return at;
    at = end + 1;
  }
  return at + (/^\s*/.exec(text.slice(at, at + 200))?.[0].length ?? 0);
}

export function nameOfFunction({ node }: Statement): string {
  return words(node, 'funcname').at(-1) ?? '';
}

/** The functions that a `SELECT f()` or `CALL p()` runs. */
export function callsOf({ kind, node }: Statement): readonly string[] {
  const calls = kind === 'CallStmt' ? [child(node, 'funccall')] : [];
  if (kind === 'SelectStmt' && !('fromClause' in node))
    for (const { node: target } of items(node, 'targetList'))
      calls.push(child(child(target, 'val'), 'FuncCall'));
  return calls.flatMap((call) => words(call, 'funcname').slice(-1));
}
