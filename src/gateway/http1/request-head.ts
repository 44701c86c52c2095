/**
 * The head of a request, found in one pass, in numbers. Valid until the next scan.
 *
 * Keeps T6: one form of request line, one host, one framing; everything else is refused.
 */
import { limits } from '../../core/limits.ts';
import {
  BRACKET_CLOSE,
  BRACKET_OPEN,
  COLON,
  CR,
  HOST,
  HOST_IPV6,
  isDigit,
  LF,
  LOWER,
  QUESTION,
  SLASH,
  SPACE,
  STAR,
  startsIgnoringCase,
  startsWith,
  TARGET,
  TOKEN,
  ZERO,
} from './bytes.ts';
import { FIELD } from './field.ts';
import { Fields } from './fields.ts';
import { METHOD, methodOf } from './method.ts';
import type { Scan } from './refusal.ts';

const VERSION = 'HTTP/1.';
const VERSION_BYTES = 8;
const HTTP = 'http://';

export class RequestHead {
  readonly fields = new Fields();
  /** One of `METHOD`. */
  method = 0;
  methodFrom = 0;
  methodTo = 0;
  /** The path and query, or `*`; empty for an absolute target without a path. */
  pathFrom = 0;
  pathTo = 0;
  /** The value of `Host`; empty when there is none. */
  hostFrom = 0;
  hostTo = 0;
  /** HTTP/1.x. */
  minor = 0;
  #absolute = -1;

  /** Where the message ends. */
  get end(): number {
    return this.fields.end;
  }

  scan(bytes: Buffer, from: number, to: number): Scan {
    const line = this.#scanLine(bytes, from, to);
    if (line !== 'complete') return line;
    const scanned = this.fields.scan(bytes, this.#lineEnd, to);
    return scanned === 'complete' ? this.#check(bytes) : scanned;
  }

  #lineEnd = 0;

  #scanLine(bytes: Buffer, from: number, to: number): Scan {
    let at = from;
    // RFC 9112 s. 2.2: empty lines before a request are passed over.
    while (at < to && bytes[at] === CR) {
      if (at + 1 >= to) return 'incomplete';
      if (bytes[at + 1] !== LF) return 'malformed';
      at += 2;
    }
    this.methodFrom = at;
    while (at < to && TOKEN[bytes[at] ?? 0] !== 0) at += 1;
    if (at - this.methodFrom > limits.gateway.methodBytesMax) return 'method-unknown';
    if (at >= to) return 'incomplete';
    if (bytes[at] !== SPACE || at === this.methodFrom) return 'malformed';
    this.methodTo = at;
    at += 1;
    const target = at;
    while (at < to && TARGET[bytes[at] ?? 0] === 1) at += 1;
    if (at - target > limits.gateway.targetBytesMax) return 'target-too-long';
    if (at >= to) return 'incomplete';
    if (bytes[at] !== SPACE || at === target) return 'malformed';
    return this.#scanVersion(bytes, at + 1, to, target);
  }

  #scanVersion(bytes: Buffer, from: number, to: number, target: number): Scan {
    if (to - from < VERSION_BYTES) return 'incomplete';
    this.minor = (bytes[from + VERSION_BYTES - 1] ?? 0) - ZERO;
    if (!startsWith(bytes, from, VERSION) || (this.minor !== 0 && this.minor !== 1)) {
      const said = bytes.toString('latin1', from, from + VERSION_BYTES);
      return /^HTTP\/\d\.\d$/.test(said) ? 'version-unknown' : 'malformed';
    }
    if (to - from < VERSION_BYTES + 2) return 'incomplete';
    if (bytes[from + VERSION_BYTES] !== CR || bytes[from + VERSION_BYTES + 1] !== LF) return 'malformed';
    this.#lineEnd = from + VERSION_BYTES + 2;
    this.method = methodOf(bytes, this.methodFrom, this.methodTo);
    if (this.method === METHOD.unknown) return 'method-unknown';
    return this.#splitTarget(bytes, target, from - 1);
  }

  /** RFC 9112 s. 3.2: a path, a URL as for a proxy, or `*`. */
  #splitTarget(bytes: Buffer, from: number, to: number): Scan {
    this.pathFrom = from;
    this.pathTo = to;
    this.#absolute = -1;
    // Whatever it names: behind the answer there would be a tunnel for one of two readers, and requests for the other.
    if (this.method === METHOD.connect) return 'method-unknown';
    if (bytes[from] === SLASH) return 'complete';
    if (bytes[from] === STAR && to - from === 1) {
      return this.method === METHOD.options ? 'complete' : 'malformed';
    }
    if (!startsIgnoringCase(bytes, from, to, HTTP)) return 'malformed';
    this.#absolute = from + HTTP.length;
    let at = this.#absolute;
    while (at < to && bytes[at] !== SLASH && bytes[at] !== QUESTION) at += 1;
    this.pathFrom = at;
    return 'complete';
  }

  #check(bytes: Buffer): Scan {
    const { fields } = this;
    this.hostFrom = 0;
    this.hostTo = 0;
    // RFC 9112 s. 6.1: HTTP/1.0 has no codings, so whoever says so may read the length otherwise.
    if (fields.chunked && this.minor === 0) return 'malformed';
    if (fields.hosts > 1 || (fields.hosts === 0 && this.minor > 0)) return 'not-clear';
    if (fields.hosts === 1) {
      fields.seek(bytes, FIELD.host);
      this.hostFrom = fields.valueFrom;
      this.hostTo = fields.valueTo;
      if (!isAuthority(bytes, this.hostFrom, this.hostTo)) return 'not-clear';
    }
    // RFC 9112 s. 3.2.2 prefers the target over the field; two different hosts are refused instead.
    return this.#absolute >= 0 && !this.#sameHost(bytes) ? 'not-clear' : 'complete';
  }

  #sameHost(bytes: Buffer): boolean {
    const length = this.hostTo - this.hostFrom;
    if (this.pathFrom - this.#absolute !== length) return false;
    for (let i = 0; i < length; i += 1) {
      const one = bytes[this.hostFrom + i] ?? 0;
      const other = bytes[this.#absolute + i] ?? 0;
      if (one !== other && !(isLetter(one) && (one | LOWER) === (other | LOWER))) return false;
    }
    return true;
  }
}

const isLetter = (byte: number): boolean => {
  const lower = byte | LOWER;
  return lower >= 0x61 && lower <= 0x7a;
};

/** RFC 9110 s. 7.2: uri-host with an optional port. */
function isAuthority(bytes: Buffer, from: number, to: number): boolean {
  let at = from;
  if (bytes[at] === BRACKET_OPEN && at < to) {
    at += 1;
    while (at < to && HOST_IPV6[bytes[at] ?? 0] === 1) at += 1;
    if (at >= to || bytes[at] !== BRACKET_CLOSE || at === from + 1) return false;
    at += 1;
  } else {
    while (at < to && HOST[bytes[at] ?? 0] === 1) at += 1;
  }
  if (at === to) return true;
  if (bytes[at] !== COLON) return false;
  at += 1;
  while (at < to && isDigit(bytes[at] ?? 0)) at += 1;
  return at === to;
}

/**
 * True when `Upgrade` names h2c, alone or among others: an instance that takes it up speaks with the client past
 * routes and rules.
 */
export function asksForH2c(bytes: Buffer, { fields }: RequestHead): boolean {
  if (fields.seek(bytes, FIELD.upgrade) < 0) return false;
  const protocols = bytes.toString('latin1', fields.valueFrom, fields.valueTo).split(',');
  return protocols.some((protocol) => /^[ \t]*h2c(?:[/ \t]|$)/i.test(protocol));
}
