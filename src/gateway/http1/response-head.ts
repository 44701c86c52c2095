/**
 * The head of a response, found in one pass, in numbers. Valid until the next scan. As strict as for requests
 * (T6): an instance that answers in two ways at once is not believed.
 */
import { CR, isDigit, LF, SPACE, startsWith, VALUE, ZERO } from './bytes.ts';
import { FIELD } from './field.ts';
import { Fields } from './fields.ts';
import type { Scan } from './refusal.ts';

const VERSION = 'HTTP/1.';
/** `HTTP/1.1 200` */
const STATUS_AT = 9;
const REASON_AT = 12;

export class ResponseHead {
  readonly fields = new Fields();
  /** HTTP/1.x. */
  minor = 0;
  status = 0;
  /** The blank before the reason, or the end of the line. */
  reasonFrom = 0;
  reasonTo = 0;
  /** Read last, and what it meant: programs that send it say the same with every response. */
  #keepAlive = '';
  #idleLimitS: number | undefined;

  get end(): number {
    return this.fields.end;
  }

  scan(bytes: Buffer, from: number, to: number): Scan {
    let start = from;
    // Some servers put an empty line between a 1xx and the response.
    while (to - start >= 2 && bytes[start] === CR && bytes[start + 1] === LF) start += 2;
    if (to - start < REASON_AT + 2) {
      const known = Math.min(to - start, VERSION.length);
      return startsWith(bytes, start, VERSION.slice(0, known)) || bytes[start] === CR
        ? 'incomplete'
        : 'malformed';
    }
    const minor = (bytes[start + VERSION.length] ?? 0) - ZERO;
    if (!startsWith(bytes, start, VERSION) || (minor !== 0 && minor !== 1)) return 'malformed';
    if (bytes[start + STATUS_AT - 1] !== SPACE) return 'malformed';
    this.minor = minor;
    this.status = statusOf(bytes, start + STATUS_AT);
    return this.status < 100 ? 'malformed' : this.#scanReason(bytes, start + REASON_AT, to);
  }

  /** Seconds after which the instance says it closes an idle connection; undefined: it does not say. */
  idleLimitS(bytes: Buffer): number | undefined {
    if (this.fields.seek(bytes, FIELD.keepAlive) < 0) return undefined;
    const { valueFrom, valueTo } = this.fields;
    if (valueTo - valueFrom !== this.#keepAlive.length || !startsWith(bytes, valueFrom, this.#keepAlive)) {
      this.#keepAlive = bytes.toString('latin1', valueFrom, valueTo);
      const found = /(?:^|[,\s])timeout=(\d{1,6})(?:$|[,\s])/i.exec(this.#keepAlive);
      this.#idleLimitS = found ? Number(found[1]) : undefined;
    }
    return this.#idleLimitS;
  }

  #scanReason(bytes: Buffer, from: number, to: number): Scan {
    this.reasonFrom = from;
    let at = from;
    if (bytes[at] !== CR && bytes[at] !== SPACE) return 'malformed';
    while (at < to && VALUE[bytes[at] ?? 0] === 1) at += 1;
    if (at + 1 >= to) return 'incomplete';
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return 'malformed';
    this.reasonTo = at;
    return this.fields.scan(bytes, at + 2, to);
  }
}

/** Three digits; -1: they are not. */
function statusOf(bytes: Buffer, from: number): number {
  let status = 0;
  for (let at = from; at < from + 3; at += 1) {
    const byte = bytes[at] ?? 0;
    if (!isDigit(byte)) return -1;
    status = status * 10 + (byte - ZERO);
  }
  return status;
}
