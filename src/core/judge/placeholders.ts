/** `{{version}}` and the like in what an outside source is asked. */
export const PLACEHOLDERS = ['service', 'version', 'stableVersion', 'instances', 'addresses'] as const;

export type Placeholder = (typeof PLACEHOLDERS)[number];

const PATTERN = /\{\{\s*(\w+)\s*\}\}/g;

/** The names in a text, known or not. */
export function placeholdersIn(text: string): string[] {
  return [...text.matchAll(PATTERN)].map(([, name = '']) => name);
}

/** `escape` makes a value safe where it goes. A name without a value stays as it is written. */
export function fill(
  text: string,
  values: Readonly<Partial<Record<Placeholder, string>>>,
  escape: (value: string) => string,
): string {
  return text.replaceAll(PATTERN, (whole, name: string) => {
    const known = PLACEHOLDERS.find((each) => each === name);
    const value = known && values[known];
    return value === undefined ? whole : escape(value);
  });
}

/** For a text within double or single quotes of PromQL. */
export function escapeForPromQl(value: string): string {
  return value.replaceAll(/[\\"'\n]/g, (char) => (char === '\n' ? String.raw`\n` : `\\${char}`));
}

/**
 * A regular expression (RE2) that matches exactly these. Classes of one character rather than backslashes: they mean
 * the same within every kind of quotes.
 */
export function anyOf(texts: readonly string[]): string {
  return texts.map((text) => text.replaceAll(/[.+*?()|{$[]/g, '[$&]')).join('|');
}

const RANGE = /\[((?:\d+(?:ms|[smhdwy]))+)(?::[^\]]*)?\]/g;
const PART = /(\d+)(ms|[smhdwy])/g;
const MS_PER: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
};

/** How far back the widest range of a PromQL query looks, such as `[5m]`; 0: it has none. */
export function longestRangeMs(query: string): number {
  const ranges = Array.from(query.matchAll(RANGE), ([, range = '']) =>
    Array.from(range.matchAll(PART), ([, n, unit = '']) => Number(n) * (MS_PER[unit] ?? 0)),
  );
  return Math.max(0, ...ranges.map((parts) => parts.reduce((sum, ms) => sum + ms, 0)));
}
