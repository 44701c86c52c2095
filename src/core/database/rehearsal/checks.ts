/** What can be read from a check about the values of one column. What cannot be read is left to the server. */

export interface Bounds {
  readonly oneOf: readonly string[] | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly lengthMax: number | null;
}

export const UNBOUND: Bounds = { oneOf: null, min: null, max: null, lengthMax: null };

export function boundsOf(
  column: string,
  checks: readonly { readonly columns: readonly string[]; readonly definition: string }[],
): Bounds {
  return checks
    .filter(({ columns }) => columns.length === 1 && columns[0] === column)
    .reduce<Bounds>((known, { definition }) => tighter(known, readCheck(definition)), UNBOUND);
}

function tighter(a: Bounds, b: Bounds): Bounds {
  const least = (x: number | null, y: number | null) => (x === null ? y : y === null ? x : Math.min(x, y));
  const most = (x: number | null, y: number | null) => (x === null ? y : y === null ? x : Math.max(x, y));
  return {
    oneOf: a.oneOf ?? b.oneOf,
    min: most(a.min, b.min),
    max: least(a.max, b.max),
    lengthMax: least(a.lengthMax, b.lengthMax),
  };
}

const LIST = /= ANY \(+ARRAY\[(.*?)\]/;
const COMPARED = /^(?:(char_length|length)\s+)?\S+ (>=|<=|>|<) '?(-?\d+(?:\.\d+)?)'?$/;

function readCheck(definition: string): Bounds {
  const [, list] = LIST.exec(definition) ?? [];
  if (list !== undefined) return { ...UNBOUND, oneOf: literals(list) };
  if (/ OR /.test(definition)) return UNBOUND;
  const plain = definition
    .replace(/^CHECK /, '')
    .replace(/ (?:NOT VALID|NO INHERIT)/g, '')
    .replace(/::(?:"[^"]+"|[a-z_]+(?: (?:varying|precision))?)(?:\([\d,]+\))?/g, '')
    .replace(/[()]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return plain
    .split(' AND ')
    .map(readComparison)
    .reduce((known, each) => tighter(known, each), UNBOUND);
}

function literals(list: string): string[] {
  const texts = [...list.matchAll(/'((?:[^']|'')*)'/g)].map(([, text = '']) => text.replaceAll("''", "'"));
  return texts.length > 0 ? texts : list.split(',').map((each) => each.trim().replace(/[()]/g, ''));
}

function readComparison(text: string): Bounds {
  const [, length, operator, number] = COMPARED.exec(text.trim()) ?? [];
  if (operator === undefined) return UNBOUND;
  const value = Number(number);
  const isUpper = operator.startsWith('<');
  const edge = operator === '<' ? value - 1 : operator === '>' ? value + 1 : value;
  if (length !== undefined) return isUpper ? { ...UNBOUND, lengthMax: edge } : UNBOUND;
  return isUpper ? { ...UNBOUND, max: edge } : { ...UNBOUND, min: edge };
}
