/** What would refuse a change at its first step, asked before anything is done. */
import type { Change } from '../../../core/database/change.ts';
import { tablesOf } from '../../../core/database/compile.ts';
import { quoteTable, showTable } from '../../../core/database/identifier.ts';
import { SegueError } from '../../../core/errors.ts';
import type { Session } from './connection.ts';
import { readSchemaLines } from './facts.ts';
import { hasJournal, keptSchemaLines } from './journal.ts';

/** Throws DATABASE_NOT_ADOPTED, DATABASE_FORBIDDEN, DATABASE_UNSUPPORTED. Run in a transaction whose search_path is empty. */
export async function mustBeAllowedHere(session: Session, changes: readonly Change[]): Promise<void> {
  if (await hasJournal(session)) await keptSchemaLines(session);
  else {
    const [line] = await readSchemaLines(session);
    if (line !== undefined) throw new SegueError('DATABASE_NOT_ADOPTED', line);
  }
  const { rows } = await session.query<{ role: string; may: boolean; readOnly: boolean }>(
    `SELECT current_user::text AS role, current_setting('default_transaction_read_only') = 'on' AS "readOnly",
      coalesce((SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = 'segue'), has_database_privilege(current_database(), 'CREATE')) AS may`,
  );
  const [{ role, may, readOnly } = { role: '', may: true, readOnly: false }] = rows;
  if (readOnly) throw new SegueError('DATABASE_UNSUPPORTED', 'It is set to read only.');
  if (!may) throw new SegueError('DATABASE_FORBIDDEN', `${role} may not keep the schema segue there.`);
  for (const change of changes) {
    const others = await tablesOfOthers(session, change);
    if (others.length > 0)
      throw new SegueError(
        'DATABASE_FORBIDDEN',
        `${change.name}: ${role} does not own ${others.join(', ')}.`,
      );
  }
}

/** Only who owns a table, or is a member of the role that does, may alter it. */
async function tablesOfOthers(session: Session, change: Change): Promise<string[]> {
  const tables = tablesOf(change);
  const { rows } = await session.query<{ name: string }>(
    `SELECT name FROM unnest($1::text[]) AS name JOIN pg_class c ON c.oid = to_regclass(name) WHERE NOT pg_has_role(c.relowner, 'USAGE')`,
    [tables.map(quoteTable)],
  );
  return tables.filter((table) => rows.some(({ name }) => name === quoteTable(table))).map(showTable);
}
