/**
 * What is said to instances about the client's end of a connection. Nearly all requests of a connection are for one
 * host and say nothing about others, so all the lines for them are made once, with room for the request's id.
 */
import type { Networks } from '../../core/traffic/networks.ts';
import { plainAddress } from '../../core/traffic/client-address.ts';
import { requestIds } from '../ids.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');

export const UNKNOWN_PEER = 'unknown';

/** Half an id: the place of the request's own half. */
const HALF = '0'.repeat(16);
const PREFIX = requestIds.prefix.toString('latin1');
const ID_LINE = `X-Request-Id: ${PREFIX}${HALF}\r\n`;
/**
 * W3C Trace Context: version, trace, parent, flags. Marked as sampled: most tracers follow what the first one says,
 * and a trace that is not sampled would be one that nobody sees.
 */
const TRACE_LINE = `traceparent: 00-${PREFIX}${HALF}-${HALF}-01\r\n`;
/** What most requests end with. */
const USUAL_END = 'Via: 1.1 segue\r\nConnection: keep-alive\r\n\r\n';

/** Where halves of ids belong, counted from the end of the lines. */
export const ID_AT = HALF.length + 2;
const TRACE_PARENT_AT = HALF.length + '-01\r\n'.length;
const TRACE_ID_AT = TRACE_PARENT_AT + 1 + HALF.length;
const TRACE_BYTES = TRACE_LINE.length;

export const idLine = latin1(ID_LINE);
export const traceLine = latin1(TRACE_LINE);

/** Writes the request's half wherever it belongs in lines that end here with the id, and the trace if `traced`. */
export function fillIds(bytes: Buffer, end: number, serial: number): void {
  fillTrace(bytes, end, serial);
  bytes.copyWithin(end - TRACE_BYTES - ID_AT, end - TRACE_PARENT_AT, end - TRACE_PARENT_AT + HALF.length);
}

export function fillTrace(bytes: Buffer, end: number, serial: number): void {
  requestIds.write(serial, bytes, end - TRACE_PARENT_AT);
  bytes.copyWithin(end - TRACE_ID_AT, end - TRACE_PARENT_AT, end - TRACE_PARENT_AT + HALF.length);
}

export class Peer {
  readonly address: string;
  readonly secure: boolean;
  /** Where it connected to; 0: not known. */
  readonly port: number;
  #trust: Networks | undefined;
  #trusted = false;
  #host: Buffer | undefined;
  /** For the host asked for last. */
  #lines = latin1('');
  #linesLength = 0;

  constructor(address: string = UNKNOWN_PEER, secure = false, port = 0) {
    this.address = plainAddress(address);
    this.secure = secure;
    this.port = port;
  }

  /** Its word on others counts. */
  isTrustedBy(trust: Networks): boolean {
    if (trust !== this.#trust) {
      this.#trust = trust;
      this.#trusted = trust.has(this.address);
    }
    return this.#trusted;
  }

  get proto(): 'http' | 'https' {
    return this.secure ? 'https' : 'http';
  }

  /** All lines about a request that says nothing about others, and the end of the head. */
  usual(source: Buffer, from: number, to: number): Buffer {
    if (!this.#isFor(source, from, to)) this.#make(source.toString('latin1', from, to));
    return this.#lines;
  }

  /** How much of `usual` is not yet the end of the head. */
  get linesLength(): number {
    return this.#linesLength;
  }

  /** RFC 7239. The host is in quotes for its colon, and has no character that would need more. */
  element(host: string): string {
    const node = this.address.includes(':') ? `"[${this.address}]"` : this.address;
    return `for=${node};proto=${this.proto}${host === '' ? '' : `;host="${host}"`}`;
  }

  #isFor(source: Buffer, from: number, to: number): boolean {
    const host = this.#host;
    if (host?.length !== to - from) return false;
    for (let i = 0; i < host.length; i += 1) if (host[i] !== source[from + i]) return false;
    return true;
  }

  #make(host: string): void {
    const lines = [
      `X-Forwarded-For: ${this.address}`,
      ...(host === '' ? [] : [`X-Forwarded-Host: ${host}`]),
      ...(this.port === 0 ? [] : [`X-Forwarded-Port: ${this.port}`]),
      `X-Forwarded-Proto: ${this.proto}`,
      `Forwarded: ${this.element(host)}`,
    ];
    const text = `${lines.join('\r\n')}\r\n${ID_LINE}${TRACE_LINE}`;
    this.#host = latin1(host);
    this.#lines = latin1(text + USUAL_END);
    this.#linesLength = text.length;
  }
}
