/** Two conditions beside each other: whether what fits the one always, or never, fits the other. */
import { Networks, parseNetwork } from './networks.ts';
import type { Match, PathPattern, TextPattern } from './rule.ts';
import { compilePattern } from './text-pattern.ts';

export type Atom = Exclude<Match, { type: 'all' | 'any' | 'not' }>;

/** `within`: whatever fits `a` fits `b`. `apart`: nothing fits both. Null: neither is known. */
export function compareAtoms(a: Atom, b: Atom): 'within' | 'apart' | null {
  if (a.type === 'host' && b.type === 'host') return compareHosts(a.host.toLowerCase(), b.host.toLowerCase());
  if (a.type === 'path' && b.type === 'path') return comparePatterns(a.path, b.path);
  if (a.type === 'method' && b.type === 'method') return compareSets(a.methods, b.methods);
  if (a.type === 'country' && b.type === 'country') return compareSets(a.countries, b.countries);
  if (a.type === 'network' && b.type === 'network') return compareNetworks(a.networks, b.networks);
  if ('name' in a && 'name' in b && subjectOf(a) === subjectOf(b)) {
    if (b.value === null) return 'within';
    return a.value === null ? null : comparePatterns(a.value, b.value);
  }
  return null;
}

/** Names of headers are the same in any case. */
function subjectOf({ type, name }: Extract<Atom, { name: string }>): string {
  return `${type} ${type === 'header' ? name.toLowerCase() : name}`;
}

function compareSets(a: readonly string[], b: readonly string[]): 'within' | 'apart' | null {
  if (a.every((each) => b.includes(each))) return 'within';
  return a.some((each) => b.includes(each)) ? null : 'apart';
}

/** As text that ends alike: `.example.com` for `*.example.com`. */
function compareHosts(a: string, b: string): 'within' | 'apart' | null {
  const wild = (host: string) => host.startsWith('*.');
  if (!wild(a) && !wild(b)) return a === b ? 'within' : 'apart';
  const fits = (host: string, pattern: string) => host.endsWith(pattern) && host.length > pattern.length;
  if (!wild(a)) return fits(a, b.slice(1)) ? 'within' : 'apart';
  if (!wild(b)) return fits(b, a.slice(1)) ? null : 'apart';
  if (a.endsWith(b.slice(1))) return 'within';
  return b.endsWith(a.slice(1)) ? null : 'apart';
}

function comparePatterns(
  a: TextPattern | PathPattern,
  b: TextPattern | PathPattern,
): 'within' | 'apart' | null {
  if (a.type === b.type && a.text === b.text) return 'within';
  if (isOneText(a)) return compilePattern(b)(a.text) ? 'within' : 'apart';
  if (isOneText(b)) return compilePattern(a)(b.text) ? null : 'apart';
  const [from, to] = [endsOf(a), endsOf(b)];
  const agree =
    (from.first.startsWith(to.first) || to.first.startsWith(from.first)) &&
    (from.last.endsWith(to.last) || to.last.endsWith(from.last));
  if (!agree) return 'apart';
  if (b.type === 'glob') return b.text === '*' ? 'within' : null;
  const whole = b.text.replace(/\/+$/, '');
  const starts = a.type === 'prefix' ? a.text.replace(/\/+$/, '') : from.first;
  const below = starts.startsWith(`${whole}/`) || (a.type === 'prefix' && starts === whole);
  return below ? 'within' : null;
}

function isOneText({ type, text }: TextPattern | PathPattern): boolean {
  return type === 'exact' || (type === 'glob' && !text.includes('*'));
}

/** What every text that fits begins and ends with. */
function endsOf({ type, text }: TextPattern | PathPattern): { first: string; last: string } {
  if (type !== 'glob') return { first: text.replace(/\/+$/, ''), last: '' };
  return { first: text.slice(0, text.indexOf('*')), last: text.slice(text.lastIndexOf('*') + 1) };
}

function compareNetworks(a: readonly string[], b: readonly string[]): 'within' | 'apart' | null {
  const inside = (small: string, large: string): boolean => {
    const [one, other] = [parseNetwork(small), parseNetwork(large)];
    if (!one || !other || one.address.length !== other.address.length) return false;
    return one.prefix >= other.prefix && new Networks([large]).has(small.split('/')[0] ?? '');
  };
  if (a.every((small) => b.some((large) => inside(small, large)))) return 'within';
  const meet = a.some((one) => b.some((other) => inside(one, other) || inside(other, one)));
  return meet ? null : 'apart';
}
