/** Fields found in HTTP/1.1 as HTTP/2 takes them: names and values in turn, names in lower case. */
import type { Fields } from '../http1/fields.ts';
import { FIELD } from '../http1/field.ts';

/** RFC 9113 s. 8.2.2, and what a pseudo-field says instead. */
const LEFT_OUT: ReadonlySet<number> = new Set([
  FIELD.host,
  FIELD.connection,
  FIELD.keepAlive,
  FIELD.proxyConnection,
  FIELD.te,
  FIELD.transferEncoding,
  FIELD.upgrade,
  FIELD.named,
]);

/** RFC 9113 s. 3.2 took it back; Node throws at it. */
const SETTINGS = 'http2-settings';

export function http2Fields(bytes: Buffer, fields: Fields): string[] {
  const all: string[] = [];
  for (let line = 0; line < fields.count; line += 1) {
    if (LEFT_OUT.has(fields.kinds[line] ?? 0)) continue;
    fields.trim(bytes, line);
    const name = bytes.toString('latin1', fields.starts[line] ?? 0, fields.colons[line] ?? 0).toLowerCase();
    if (name === SETTINGS) continue;
    all.push(name, bytes.toString('latin1', fields.valueFrom, fields.valueTo));
  }
  return all;
}

/** By name; one that is there more than once has all its values. */
export function objectOf(list: readonly string[]): Record<string, string | string[]> {
  const all = new Map<string, string | string[]>();
  for (let at = 0; at + 1 < list.length; at += 2) {
    const name = list[at] ?? '';
    const value = list[at + 1] ?? '';
    const before = all.get(name);
    all.set(name, before === undefined ? value : [before, value].flat());
  }
  return Object.fromEntries(all);
}

/** The lines of a trailer section, of which the framing was checked. */
export function http2Trailers(section: Buffer): string[] {
  const all: string[] = [];
  for (const line of section.toString('latin1').split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
    if (name !== '' && name !== SETTINGS) all.push(name, line.slice(colon + 1).trim());
  }
  return all;
}
