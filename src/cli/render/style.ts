/** Colours by meaning. Rendering is pure: it gets a `Paint` and gives lines. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'magenta' | 'blue';

export type Paint = (style: Style, text: string) => string;

export const plainPaint: Paint = (_style, text) => text;

export function number(value: number): string {
  return value.toLocaleString('en-US');
}

/** `12:04:31`, local time. */
export function clockTime(atMs: number): string {
  const at = new Date(atMs);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((n) => String(n).padStart(2, '0')).join(':');
}

/** `2026-03-01 12:04:31`, local time. */
export function dateTime(atMs: number): string {
  const at = new Date(atMs);
  const date = [at.getFullYear(), at.getMonth() + 1, at.getDate()];
  return `${date.map((n) => String(n).padStart(2, '0')).join('-')} ${clockTime(atMs)}`;
}

/** `v1 -> v2`; the first release of a service comes from nothing. */
export function fromTo(from: string | null, to: string): string {
  return from === null ? to : `${from} -> ${to}`;
}
