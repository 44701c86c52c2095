/**
 * What each byte may be, as tables: the scanners ask a table once per byte and compare nothing (T6). Strict: what
 * RFC 9110 and 9112 do not allow is in no table.
 */
export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const HASH = 0x23;
export const COMMA = 0x2c;
export const SLASH = 0x2f;
export const ZERO = 0x30;
export const NINE = 0x39;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const QUESTION = 0x3f;
export const STAR = 0x2a;
export const DELETE = 0x7f;
export const UNDERSCORE = 0x5f;
export const HYPHEN = 0x2d;
export const BRACKET_OPEN = 0x5b;
export const BRACKET_CLOSE = 0x5d;
/** Set in every lower-case letter and clear in its upper-case one. */
export const LOWER = 0x20;

/** A value of `TOKEN`; the underscore has its own because some servers read it as a hyphen. */
export const TOKEN_PLAIN = 1;
export const TOKEN_UNDERSCORE = 2;

const DIGITS = '0123456789';
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** RFC 9110 s. 5.6.2. */
export const TOKEN = tableOf(`${DIGITS}${LETTERS}!#$%&'*+-.^\`|~`, TOKEN_PLAIN);
TOKEN[UNDERSCORE] = TOKEN_UNDERSCORE;

/** Field values (RFC 9110 s. 5.5): what can be seen, blanks, and bytes above ASCII. */
export const VALUE = new Uint8Array(256).fill(1, SPACE, 0x7f).fill(1, 0x80);
VALUE[HTAB] = 1;

/**
 * Request targets: what can be seen. Bytes above ASCII have to be escaped (RFC 3986 s. 2.1), and servers differ on
 * those that are not. No fragment: it is never sent (RFC 9112 s. 3.2), and where a path ends would depend on who
 * reads it.
 */
export const TARGET = new Uint8Array(256).fill(1, 0x21, 0x7f);
TARGET[HASH] = 0;

/** A registered name or IPv4 address (RFC 3986 s. 3.2.2), and what may stand between brackets. */
export const HOST = tableOf(`${DIGITS}${LETTERS}-._~%!$&'()*+,;=`, 1);
export const HOST_IPV6 = tableOf(`${DIGITS}abcdefABCDEF:.`, 1);

/** The value of a hexadecimal digit plus one; 0 for everything else. */
export const HEX = new Uint8Array(256);
for (let value = 0; value < 16; value += 1) {
  const digit = value.toString(16);
  HEX[digit.charCodeAt(0)] = value + 1;
  HEX[digit.toUpperCase().charCodeAt(0)] = value + 1;
}

function tableOf(allowed: string, mark: number): Uint8Array {
  const table = new Uint8Array(256);
  for (const byte of Buffer.from(allowed, 'latin1')) table[byte] = mark;
  return table;
}

export const isDigit = (byte: number): boolean => byte >= ZERO && byte <= NINE;

/** `lower` is in lower case and has only letters, digits, `-`, `/`, `.`, `=` and `:`; no byte of a head is mistaken for one of those. */
export function equalsIgnoringCase(bytes: Buffer, from: number, to: number, lower: string): boolean {
  return to - from === lower.length && startsIgnoringCase(bytes, from, to, lower);
}

export function startsIgnoringCase(bytes: Buffer, from: number, to: number, lower: string): boolean {
  if (to - from < lower.length) return false;
  for (let i = 0; i < lower.length; i += 1) {
    const byte = bytes[from + i] ?? 0;
    const wanted = lower.charCodeAt(i);
    if (byte !== wanted && (byte < 0x41 || byte > 0x5a || (byte | LOWER) !== wanted)) return false;
  }
  return true;
}

/** As many bytes as `wanted` has are there. */
export function startsWith(bytes: Buffer, from: number, wanted: string): boolean {
  for (let i = 0; i < wanted.length; i += 1) {
    if (bytes[from + i] !== wanted.charCodeAt(i)) return false;
  }
  return true;
}

export function isBlank(byte: number): boolean {
  return byte === SPACE || byte === HTAB;
}
