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
  if (at === 0) return found;
  while (at <= target.length && found.length < max) {
    let end = target.indexOf('&', at);
    if (end < 0) end = target.length;
    const equals = target.indexOf('=', at);
    const nameEnd = equals < 0 || equals > end ? end : equals;
    if (decoded(target.slice(at, nameEnd)) === name) found.push(decoded(target.slice(nameEnd + 1, end)));
    at = end + 1;
  }
  return found;
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
