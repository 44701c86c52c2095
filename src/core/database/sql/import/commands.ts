/** The text of each command of an ALTER TABLE, and of each constraint of a column. */
import { charsAt, type SqlNode } from '../parsed.ts';
import type { Statement } from '../statement.ts';
import { child, itemsOf, whole } from '../tree.ts';
import { sourceOf } from './parts.ts';

/** Null where they cannot be told apart. */
export function commandTexts(statement: Statement, commands: number): readonly string[] | null {
  const source = sourceOf(statement);
  const head =
    /^ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?(?:(?:"(?:[^"]|"")*"|[\w$\u0080-\uffff]+)\s*\.?\s*){1,3}?(?=\s(?:ADD|DROP|ALTER|VALIDATE|SET|RESET|OWNER|ENABLE|DISABLE|CLUSTER|INHERIT|NO|OF|NOT|REPLICA|FORCE|ATTACH|DETACH)\b)\s*\*?\s*/i.exec(
      source,
    );
  if (!head) return null;
  const texts = splitAtCommas(source.slice(head[0].length));
  return texts.length === commands ? texts : null;
}

/** At commas outside of brackets and quotes. */
function splitAtCommas(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (const match of text.matchAll(
    /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\/|[()[\],]/g,
  )) {
    const [token] = match;
    if (token === '(' || token === '[') depth += 1;
    if (token === ')' || token === ']') depth -= 1;
    if (token !== ',' || depth > 0) continue;
    parts.push(text.slice(from, match.index).trim());
    from = match.index + 1;
  }
  return [...parts, text.slice(from).trim()];
}

export interface ColumnText {
  /** Name and type, as they are written. */
  readonly head: string;
  readonly constraints: readonly { readonly node: SqlNode; readonly text: string }[];
}

/** Of an ADD COLUMN whose text is `command`. */
export function columnText(statement: Statement, column: SqlNode, command: string): ColumnText | null {
  const from = locationOf(statement, column);
  const constraints = itemsOf(column, 'constraints', 'Constraint');
  const starts = constraints.map((each) => locationOf(statement, each));
  const commandAt = statement.text.indexOf(command, 0);
  if (from === null || commandAt === -1 || starts.some((each) => each === null)) return null;
  const end = statement.text.lastIndexOf(command, from) + command.length;
  const points = [...starts.flatMap((each) => (each === null ? [] : [each])), end];
  const slice = (start: number, stop: number) => statement.text.slice(start, stop).trim();
  return {
    head: slice(from, points[0] ?? end),
    constraints: constraints.map((node, i) => ({
      node,
      text: slice(points[i] ?? end, points[i + 1] ?? end),
    })),
  };
}

function locationOf(statement: Statement, node: SqlNode): number | null {
  const bytes = whole(node, 'location');
  return bytes === null ? null : charsAt(statement.text, bytes);
}

/** What a DEFAULT says, as it is written. */
export function defaultText(constraint: string): string {
  return constraint.replace(/^(?:CONSTRAINT\s+(?:"(?:[^"]|"")*"|\S+)\s+)?DEFAULT\s+/i, '');
}

/** The body of a named or an unnamed constraint: `CHECK (a > 0)`. */
export function constraintBody(text: string): string {
  return text.replace(/^CONSTRAINT\s+(?:"(?:[^"]|"")*"|\S+)\s+/i, '');
}

export function hasChild(node: SqlNode, name: string): boolean {
  return Object.keys(child(node, name)).length > 0;
}
