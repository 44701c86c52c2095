/**
 * Each statement of a change runs in a transaction of Segue's, with its record. One that ends that would end the
 * record; what one sets for its session would go, through a pooler, to whoever gets the connection next.
 */
import type { ParsedStatement } from './parsed.ts';
import { flag } from './tree.ts';

const ENDS = 'each statement has a transaction of its own; expected none that begins or ends one';
const STAYS =
  'what it sets would stay with a connection that others get through a pooler, and not hold for the next statement; name schemas where they are meant, and connect as the role that is meant';
const ALONE = 'it ends with its own transaction, and the next statement has another one';

const SET_FOR_SESSION = /\bset_config\s*\([^;]*,\s*(?:false|'f(?:alse)?'|'off'|'no'|0)\s*\)/i;

/** Why it cannot be run so; null: it can. `together`: those of one text share a transaction, as in the operation `sql`. */
export function unfitForItsTransaction(
  { kind, node }: ParsedStatement,
  sql: string,
  together: boolean,
): string | null {
  if (kind === 'TransactionStmt') return ENDS;
  if (kind === 'SelectStmt') return SET_FOR_SESSION.test(sql) ? STAYS : null;
  if (kind !== 'VariableSetStmt') return null;
  if (!flag(node, 'is_local')) return STAYS;
  return together ? null : ALONE;
}
