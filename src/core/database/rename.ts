/** One column for another in an expression as PostgreSQL writes it back (`pg_get_indexdef` and its like). */
import { quoteName } from './identifier.ts';

/** Texts, quoted names, dollars, plain words with what follows them, a cast with its type. */
const TOKEN = /'(?:[^']|'')*'|::\s*(?:"(?:[^"]|"")+"|\w+)|"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*/gu;

/** Functions and types of the same name stay: one is followed by a parenthesis, the other follows a cast. */
export function renamed(expression: string, from: string, to: string): string {
  return expression.replace(TOKEN, (token, offset: number) => {
    if (token.startsWith("'") || token.startsWith('::')) return token;
    const name = token.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') : token;
    const called = expression[offset + token.length] === '(' && !token.startsWith('"');
    return name === from && !called ? quoteName(to) : token;
  });
}

/** Whether an expression, as a person writes it, speaks of a column. */
export function mentions(expression: string, column: string): boolean {
  return [...expression.matchAll(TOKEN)].some(({ 0: token, index }) => {
    if (token.startsWith("'") || token.startsWith('::')) return false;
    if (token.startsWith('"')) return token === quoteName(column);
    return token.toLowerCase() === column && expression[index + token.length] !== '(';
  });
}
