/** The fields that mean something to the gateway; everything else passes as it is. */
import { HYPHEN, LOWER, UNDERSCORE } from './bytes.ts';

const X = 0x78;
const X_FORWARDED = 'x-forwarded-';

export const FIELD = {
  other: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  keepAlive: 5,
  proxyConnection: 6,
  te: 7,
  upgrade: 8,
  expect: 9,
  forwardedFor: 10,
  forwardedProto: 11,
  forwardedHost: 12,
  contentType: 13,
  contentEncoding: 14,
  cookie: 15,
  authorization: 16,
  /** Not by its own name: `Connection` names it. */
  named: 17,
  forwardedPort: 18,
  /** `X-Forwarded-` and anything else. */
  forwardedOther: 19,
  forwarded: 20,
  requestId: 21,
  traceparent: 22,
  tracestate: 23,
  /** The gateway's own word on flags: whoever else says it is not believed. */
  segueFlags: 24,
} as const;

export const FIELD_KINDS = 25;

/** RFC 9110 s. 7.6.1: for one connection only, and so never passed on; nor is what only the gateway may say. */
const HOP_BY_HOP: readonly number[] = [
  FIELD.connection,
  FIELD.keepAlive,
  FIELD.proxyConnection,
  FIELD.te,
  FIELD.transferEncoding,
  FIELD.upgrade,
  FIELD.named,
  FIELD.segueFlags,
];

/** Indexed by kind; 1: the line is left out. */
export function dropTable(...more: readonly number[]): Uint8Array {
  const table = new Uint8Array(FIELD_KINDS);
  for (const kind of [...HOP_BY_HOP, ...more]) table[kind] = 1;
  return table;
}

/** `Connection: host` must not take away what the message means, or where it ends; Upgrade is named by being one. */
export function mayBeNamed(kind: number): boolean {
  return (
    kind !== FIELD.upgrade &&
    kind !== FIELD.host &&
    kind !== FIELD.contentLength &&
    kind !== FIELD.cookie &&
    kind !== FIELD.authorization
  );
}

/** Does not frame, address, authorize or ask for a certain treatment: what a trailer may be (RFC 9110 s. 6.5.1). */
export function isHarmless(kind: number): boolean {
  return (
    kind === FIELD.other ||
    kind === FIELD.contentType ||
    kind === FIELD.contentEncoding ||
    kind === FIELD.requestId ||
    kind === FIELD.traceparent ||
    kind === FIELD.tracestate
  );
}

/** The bytes are those of a token. `other` when the name is none of ours. */
export function fieldOf(bytes: Buffer, from: number, to: number): number {
  if (((bytes[from] ?? 0) | LOWER) === X) return extensionOf(bytes, from, to);
  switch (to - from) {
    case 2:
      return match(bytes, from, 'te', FIELD.te);
    case 4:
      return match(bytes, from, 'host', FIELD.host);
    case 6:
      return match(bytes, from, 'cookie', FIELD.cookie) || match(bytes, from, 'expect', FIELD.expect);
    case 7:
      return match(bytes, from, 'upgrade', FIELD.upgrade);
    case 9:
      return match(bytes, from, 'forwarded', FIELD.forwarded);
    case 10:
      return (
        match(bytes, from, 'connection', FIELD.connection) ||
        match(bytes, from, 'keep-alive', FIELD.keepAlive) ||
        match(bytes, from, 'tracestate', FIELD.tracestate)
      );
    case 11:
      return (
        match(bytes, from, 'traceparent', FIELD.traceparent) ||
        match(bytes, from, 'segue-flags', FIELD.segueFlags)
      );
    case 12:
      return match(bytes, from, 'content-type', FIELD.contentType);
    case 13:
      return match(bytes, from, 'authorization', FIELD.authorization);
    case 14:
      return match(bytes, from, 'content-length', FIELD.contentLength);
    case 16:
      return (
        match(bytes, from, 'content-encoding', FIELD.contentEncoding) ||
        match(bytes, from, 'proxy-connection', FIELD.proxyConnection)
      );
    case 17:
      return match(bytes, from, 'transfer-encoding', FIELD.transferEncoding);
    default:
      return FIELD.other;
  }
}

function extensionOf(bytes: Buffer, from: number, to: number): number {
  if (to - from === 12) return match(bytes, from, 'x-request-id', FIELD.requestId);
  if (to - from <= X_FORWARDED.length || match(bytes, from, X_FORWARDED, 1) === FIELD.other)
    return FIELD.other;
  switch (to - from) {
    case 15:
      return match(bytes, from, 'x-forwarded-for', FIELD.forwardedFor) || FIELD.forwardedOther;
    case 16:
      return (
        match(bytes, from, 'x-forwarded-host', FIELD.forwardedHost) ||
        match(bytes, from, 'x-forwarded-port', FIELD.forwardedPort) ||
        FIELD.forwardedOther
      );
    case 17:
      return match(bytes, from, 'x-forwarded-proto', FIELD.forwardedProto) || FIELD.forwardedOther;
    default:
      return FIELD.forwardedOther;
  }
}

/** A token's byte with the bit for lower case is `-` or a letter of ours only if it was that. */
function match(bytes: Buffer, from: number, name: string, kind: number): number {
  for (let i = 0; i < name.length; i += 1) {
    if (((bytes[from + i] ?? 0) | LOWER) !== name.charCodeAt(i)) return FIELD.other;
  }
  return kind;
}

/** `Content_Length`: a server that hands fields on as variables reads it as ours (T6). */
export function isDisguised(bytes: Buffer, from: number, to: number): boolean {
  const plain = Buffer.from(bytes.subarray(from, to));
  for (let i = 0; i < plain.length; i += 1) if (plain[i] === UNDERSCORE) plain[i] = HYPHEN;
  return !isHarmless(fieldOf(plain, 0, plain.length));
}
