/** Names of PostgreSQL as they are: exact, quoted wherever they are written, never longer than it keeps them. */
import { hashOf } from '../traffic/hash.ts';

/** PostgreSQL cuts longer names silently. */
export const NAME_BYTES_MAX = 63;

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export const quoteNames = (names: readonly string[]): string => names.map(quoteName).join(', ');

export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

export function quoteTable({ schema, name }: TableName): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}

/** For people: without quotes, and without the schema that everything is in. */
export function showTable({ schema, name }: TableName): string {
  return schema === 'public' ? name : `${schema}.${name}`;
}

const PART = /(?:"((?:[^"]|"")+)"|([^".]+))(\.|$)/y;

/** `users`, `app.users`, `"odd.name"`, `app."odd.name"`; case counts. Undefined: none of these. */
export function parseTableName(text: string): TableName | undefined {
  const parts: string[] = [];
  PART.lastIndex = 0;
  for (let at = 0; at < text.length; at = PART.lastIndex) {
    const [, quoted, plain = '', dot] = PART.exec(text) ?? [];
    const part = quoted?.replaceAll('""', '"') ?? plain;
    if (part === '' || !isName(part)) return undefined;
    parts.push(part);
    if (dot === '.' && PART.lastIndex === text.length) return undefined;
  }
  const [first, second, ...more] = parts;
  if (first === undefined || more.length > 0) return undefined;
  return second === undefined ? { schema: 'public', name: first } : { schema: first, name: second };
}

export function isName(name: string): boolean {
  return name !== '' && !name.includes('\0') && bytesOf(name) <= NAME_BYTES_MAX;
}

/** A name for something that Segue makes. What does not fit is cut, and a hash of the whole keeps it apart. */
export function madeName(...parts: readonly string[]): string {
  const whole = parts.join('_');
  if (bytesOf(whole) <= NAME_BYTES_MAX) return whole;
  const hash = `_${hashOf(whole).toString(36).padStart(7, '0')}`;
  let cut = '';
  for (const letter of whole) {
    if (bytesOf(cut) + bytesOf(letter) + hash.length > NAME_BYTES_MAX) break;
    cut += letter;
  }
  return `${cut}${hash}`;
}

/** Of UTF-8. */
function bytesOf(text: string): number {
  let bytes = 0;
  for (const letter of text) {
    const code = letter.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x8_00 ? 2 : code < 0x1_00_00 ? 3 : 4;
  }
  return bytes;
}
