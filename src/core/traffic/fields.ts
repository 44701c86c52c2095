/** What a Cookie field and a query say about one name. Both come from clients: nothing is decoded without bound. */

/** Values of the cookies of this name, in their order, at most `max` (RFC 6265 s. 4.2.1, and as lenient as s. 5.2). */
export function cookieValues(field: string, name: string, max: number): string[] {
  const found: string[] = [];
  let at = 0;
  while (at < field.length && found.length < max) {
    let end = field.indexOf(';', at);
    if (end < 0) end = field.length;
    while (field[at] === ' ' || field[at] === '\t') at += 1;
    if (field.startsWith(name, at) && field[at + name.length] === '=') {
      found.push(unquoted(field.slice(at + name.length + 1, end).trim()));
    }
    at = end + 1;
  }
  return found;
}

function unquoted(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

/** Values of the parameters of this name in a request's target, decoded as forms are, at most `max`. */
export function queryValues(target: string, name: string, max: number): string[] {
  const found: string[] = [];
  let at = target.indexOf('?') + 1;
  if (at === 0 || !name.isWellFormed()) return found;
  const escapes = encodeURIComponent(name);
  while (at <= target.length && found.length < max) {
    let end = target.indexOf('&', at);
    if (end < 0) end = target.length;
    const parameter = target.slice(at, end);
    const equals = parameter.indexOf('=');
    const written = equals < 0 ? parameter : parameter.slice(0, equals);
    if (isWritten(written, name, escapes)) found.push(equals < 0 ? '' : decoded(parameter.slice(equals + 1)));
    at = end + 1;
  }
  return found;
}

/**
 * What `decoded(text) === name` says, without decoding: most parameters are others, and what is not well escaped
 * costs an exception each, of which a target has room for thousands.
 */
function isWritten(text: string, name: string, escapes: string): boolean {
  if (text === name) return decoded(text) === name;
  let at = 0;
  let wanted = 0;
  while (at < text.length && wanted < escapes.length) {
    const isEscape = escapes[wanted] === '%';
    const byte = isEscape ? hexadecimal(escapes, wanted + 1) : escapes.charCodeAt(wanted);
    wanted += isEscape ? 3 : 1;
    const isEscaped = text[at] === '%';
    const said = isEscaped ? hexadecimal(text, at + 1) : text[at] === '+' ? SPACE : text.charCodeAt(at);
    // A character above ASCII that is not escaped is several bytes; no request has one in its target.
    if (!isEscaped && said > ASCII_MAX) return decoded(text) === name;
    if (said !== byte) return false;
    at += isEscaped ? 3 : 1;
  }
  return at === text.length && wanted === escapes.length;
}

const SPACE = 0x20;
const ASCII_MAX = 0x7f;

/** -1: these are not two digits. */
function hexadecimal(text: string, at: number): number {
  const digits = text.slice(at, at + 2);
  return /^[0-9a-f]{2}$/i.test(digits) ? Number.parseInt(digits, 16) : -1;
}

/** What is not well escaped is taken as it is. */
function decoded(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
