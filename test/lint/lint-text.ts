/** Lint of a text, for tables of cases: the rules that it breaks, in order. */
import { isAtLeast, type Finding, type Severity } from '../../src/core/database/sql/finding.ts';
import { lintFiles } from '../../src/core/database/sql/lint.ts';
import { Server, type ServerFacts, type ServerVersion } from '../../src/core/database/sql/server.ts';
import { openSqlParser } from '../../src/drivers/sql/libpg-query/parser.ts';

const grammar = await openSqlParser();

export interface TextOptions {
  readonly version?: ServerVersion;
  readonly facts?: ServerFacts;
  readonly inTransaction?: boolean;
  readonly name?: string;
  readonly least?: Severity;
}

export function lintText(text: string, options: TextOptions = {}): readonly Finding[] {
  const { version = { major: 15, minor: null }, facts = null, inTransaction = false } = options;
  const server = new Server(version, facts);
  const findings = lintFiles([{ name: options.name ?? 'a.sql', text }], grammar, { server, inTransaction });
  return findings.filter(({ severity }) => isAtLeast(severity, options.least ?? 'warning'));
}

/** With a lock_timeout, so that its absence is not said of each case. */
export function rulesOf(sql: string, options: TextOptions = {}): readonly string[] {
  return lintText(`SET lock_timeout = '2s';\n${sql}`, options).map(({ rule }) => rule);
}
