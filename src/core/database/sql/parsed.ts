/** What PostgreSQL's parser says about a text, as plain data: the nodes are those of its own parse tree. */

/** A node of the parse tree, without its name: `{ relname: 'users', location: 12 }`. */
export type SqlNode = Readonly<Record<string, unknown>>;

export interface ParsedStatement {
  /** Name of the node: `AlterTableStmt`. */
  readonly kind: string;
  readonly node: SqlNode;
  /** Where it begins and ends in the text. Unlike these, locations in nodes count bytes: see `charsAt`. */
  readonly start: number;
  readonly end: number;
}

export type ParsedSql =
  | { readonly ok: true; readonly statements: readonly ParsedStatement[] }
  | { readonly ok: false; readonly message: string; readonly at: number };

/** One thing that a PL/pgSQL body does: a statement that is written there, or one that is put together. */
export interface BodyPart {
  readonly type: 'statement' | 'execute';
  readonly text: string;
  /** Counts from 1 at the beginning of the body. */
  readonly line: number;
}

export type ParsedBody =
  | { readonly ok: true; readonly parts: readonly BodyPart[] }
  | { readonly ok: false; readonly message: string };

/** From a distance in bytes of UTF-8 to one in characters of a JavaScript string. */
export function charsAt(text: string, bytes: number): number {
  let seen = 0;
  let at = 0;
  while (seen < bytes && at < text.length) {
    const code = text.codePointAt(at) ?? 0;
    seen += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_00_00 ? 3 : 4;
    at += code < 0x1_00_00 ? 1 : 2;
  }
  return at;
}

/** From a number of code points to characters of a JavaScript string. */
export function charsOfPoints(text: string, points: number): number {
  let at = 0;
  for (let seen = 0; seen < points && at < text.length; seen += 1)
    at += (text.codePointAt(at) ?? 0) < 0x1_00_00 ? 1 : 2;
  return at;
}
