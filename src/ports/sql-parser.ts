import type { ParsedBody, ParsedSql } from '../core/database/sql/parsed.ts';

/** PostgreSQL's grammar. Neither call throws for what it is given: hostile text is `ok: false`. */
export interface SqlParser {
  /** Every statement of the text, or the first place where it is not SQL. */
  parse(sql: string): ParsedSql;
  /** What the body of a DO or of a CREATE FUNCTION in PL/pgSQL does; `sql` is the whole statement. */
  parseBody(sql: string): ParsedBody;
}
