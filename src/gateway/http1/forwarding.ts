/**
 * Requests that already say something about their client, their id or their trace. What a client says about others
 * counts only when it is one of the proxies whose word is trusted; else it is dropped, whatever it is called, and so
 * is what `Connection` names: ours stands in its place. A trace is continued whoever began it.
 */
import { dropTable, FIELD } from './field.ts';
import type { Fields } from './fields.ts';
import type { Peer } from './peer.ts';

/** Kinds that make a request one of these, as bits. */
export const SAYS_SOMETHING = bitsOf(
  FIELD.forwardedFor,
  FIELD.forwardedProto,
  FIELD.forwardedHost,
  FIELD.forwardedPort,
  FIELD.forwardedOther,
  FIELD.forwarded,
  FIELD.requestId,
  FIELD.traceparent,
  FIELD.tracestate,
);

/** What of it stays, as bits. */
export const KEEPS = { word: 1, id: 2, trace: 4 } as const;

/** For a request that says nothing. */
export const NOTHING_KEPT = 0;

/** Indexed by what stays. */
const DROPS: readonly Uint8Array[] = Array.from({ length: 8 }, (_, kept) =>
  dropTable(
    // Joined with ours in any case.
    FIELD.forwardedFor,
    FIELD.forwarded,
    ...(kept & KEEPS.word
      ? []
      : [FIELD.forwardedProto, FIELD.forwardedHost, FIELD.forwardedPort, FIELD.forwardedOther]),
    ...(kept & KEEPS.id ? [] : [FIELD.requestId]),
    ...(kept & KEEPS.trace ? [] : [FIELD.traceparent, FIELD.tracestate]),
  ),
);

const ALL = dropTable();

export const dropsOf = (kept: number): Uint8Array => DROPS[kept] ?? ALL;

export function keptOf(source: Buffer, fields: Fields, trusted: boolean): number {
  const id = trusted && isSane(only(source, fields, FIELD.requestId));
  const trace = isTraceparent(only(source, fields, FIELD.traceparent));
  return (trusted ? KEEPS.word : 0) | (id ? KEEPS.id : 0) | (trace ? KEEPS.trace : 0);
}

/** Ours, each with its end, less ids; joined with what was said before where that stays. */
export function forwardingLines(
  source: Buffer,
  fields: Fields,
  { peer, host, kept }: { readonly peer: Peer; readonly host: string; readonly kept: number },
): string {
  const trusted = (kept & KEEPS.word) !== 0;
  const before = (kind: number) => (trusted ? valuesOf(source, fields, kind) : []);
  const isMissing = (kind: number) => !trusted || !isThere(fields, kind);
  const lines = [
    `X-Forwarded-For: ${[...before(FIELD.forwardedFor), peer.address].join(', ')}`,
    ...(host !== '' && isMissing(FIELD.forwardedHost) ? [`X-Forwarded-Host: ${host}`] : []),
    ...(peer.port !== 0 && isMissing(FIELD.forwardedPort) ? [`X-Forwarded-Port: ${peer.port}`] : []),
    ...(isMissing(FIELD.forwardedProto) ? [`X-Forwarded-Proto: ${peer.proto}`] : []),
    `Forwarded: ${[...before(FIELD.forwarded), peer.element(host)].join(', ')}`,
  ];
  return `${lines.join('\r\n')}\r\n`;
}

/** Every value of a kind, in order. What `Connection` names is of another kind. */
export function valuesOf(source: Buffer, fields: Fields, kind: number): string[] {
  const values: string[] = [];
  for (let line = 0; line < fields.count; line += 1) {
    if (fields.kinds[line] !== kind) continue;
    fields.trim(source, line);
    if (fields.valueTo > fields.valueFrom)
      values.push(source.toString('latin1', fields.valueFrom, fields.valueTo));
  }
  return values;
}

/** As something that may go into logs and be searched for. */
function isSane(id: string | undefined): boolean {
  return id !== undefined && /^[\w.:@/+=~-]{8,128}$/.test(id);
}

/** W3C Trace Context s. 3.2.2: a version of the future may be longer. */
function isTraceparent(value: string | undefined): boolean {
  const [, version, trace, parent, , more] =
    /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/.exec(value ?? '') ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return false;
  return !/^0+$/.test(trace ?? '') && !/^0+$/.test(parent ?? '');
}

function only(source: Buffer, fields: Fields, kind: number): string | undefined {
  const values = valuesOf(source, fields, kind);
  return values.length === 1 ? values[0] : undefined;
}

function isThere({ count, kinds }: Fields, kind: number): boolean {
  for (let line = 0; line < count; line += 1) if (kinds[line] === kind) return true;
  return false;
}

function bitsOf(...kinds: readonly number[]): number {
  return kinds.reduce((bits, kind) => bits | (1 << kind), 0);
}
