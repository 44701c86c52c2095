/** Patterns of rules as functions. Each looks at a text once from left to right: no input makes it go back. */
import type { PathPattern, TextPattern } from './rule.ts';

export type Fits = (text: string) => boolean;

export function compilePattern(pattern: PathPattern | TextPattern): Fits {
  const { text } = pattern;
  switch (pattern.type) {
    case 'exact':
      return (value) => value === text;
    case 'prefix': {
      const whole = text.replace(/\/+$/, '');
      return (value) =>
        value.startsWith(whole) && (value.length === whole.length || value[whole.length] === '/');
    }
    case 'glob':
      return compileGlob(text);
  }
}

/** The first and the last part are where they have to be; each one between is where it is found first. */
function compileGlob(glob: string): Fits {
  const parts = glob.split('*');
  const first = parts[0] ?? '';
  if (parts.length === 1) return (value) => value === first;
  const last = parts.at(-1) ?? '';
  const between = parts.slice(1, -1);
  return (value) => {
    if (value.length < first.length + last.length) return false;
    if (!value.startsWith(first) || !value.endsWith(last)) return false;
    const end = value.length - last.length;
    let at = first.length;
    for (const part of between) {
      const found = value.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}
