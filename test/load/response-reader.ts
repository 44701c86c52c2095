/**
 * Reads one HTTP/1.1 response (RFC 9112) from bytes. Strict where a lenient reader would hide a gateway's
 * mistake: a body that is short, framed twice or badly chunked is malformed.
 */
import { RequestFailure } from './failure.ts';
import { LOAD_LIMITS } from './options.ts';

export interface ResponseHead {
  readonly status: number;
  /** Names in lower case; repeated ones joined with ", ". */
  readonly headers: ReadonlyMap<string, string>;
  /** The server will take another request on this connection. */
  readonly keepAlive: boolean;
}

export interface ResponseSink {
  head(head: ResponseHead): void;
  data(chunk: Buffer): void;
}

type State =
  | { readonly at: 'head' }
  | { readonly at: 'length'; readonly left: number }
  | { readonly at: 'chunk-size' }
  | { readonly at: 'chunk'; readonly left: number }
  | { readonly at: 'chunk-end' }
  | { readonly at: 'trailers' }
  | { readonly at: 'until-close' }
  | { readonly at: 'done' };

const NOTHING = Buffer.alloc(0);

export class ResponseReader {
  readonly #sink: ResponseSink;
  #state: State = { at: 'head' };
  #waiting: Buffer = NOTHING;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  get done(): boolean {
    return this.#state.at === 'done';
  }

  /** What came after the response: the first bytes of an upgraded protocol, or a protocol error. */
  get rest(): Buffer {
    return this.#waiting;
  }

  push(chunk: Buffer): void {
    this.#waiting = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    while (!this.done && this.#advance());
  }

  /** The connection ended. True when that is how this response ends (RFC 9112 s. 6.3, rule 8). */
  end(): boolean {
    if (this.#state.at === 'until-close') this.#state = { at: 'done' };
    return this.done;
  }

  /** One move; false when more bytes are needed. */
  #advance(): boolean {
    const state = this.#state;
    switch (state.at) {
      case 'head':
        return this.#readHead();
      case 'length':
        return this.#readBody(state.left, (left) => (left > 0 ? { at: 'length', left } : { at: 'done' }));
      case 'chunk':
        return this.#readBody(state.left, (left) => (left > 0 ? { at: 'chunk', left } : { at: 'chunk-end' }));
      case 'until-close':
        return this.#readBody(Number.POSITIVE_INFINITY, () => state);
      case 'chunk-size':
        return this.#readLine((line) => {
          const size = /^[0-9a-fA-F]{1,12}(?=$|[ \t;])/.exec(line)?.[0];
          if (size === undefined) throw new RequestFailure('malformed', `chunk size "${line.slice(0, 40)}"`);
          const left = Number.parseInt(size, 16);
          return left > 0 ? { at: 'chunk', left } : { at: 'trailers' };
        });
      case 'chunk-end':
        return this.#readLine((line) => {
          if (line !== '') throw new RequestFailure('malformed', 'a chunk is longer than its size');
          return { at: 'chunk-size' };
        });
      case 'trailers':
        return this.#readLine((line) => (line === '' ? { at: 'done' } : state));
      case 'done':
        return false;
    }
  }

  #readHead(): boolean {
    const end = this.#waiting.indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.#waiting.length > LOAD_LIMITS.headBytesMax)
        throw new RequestFailure('malformed', 'endless head');
      return false;
    }
    const text = this.#take(end + 4).toString('latin1', 0, end);
    const { head, state } = parseHead(text);
    // An interim response (RFC 9110 s. 15.2) precedes the real one; 101 is the real one.
    if (head.status >= 100 && head.status < 200 && head.status !== 101) return true;
    this.#state = state;
    this.#sink.head(head);
    return true;
  }

  #readLine(next: (line: string) => State): boolean {
    const end = this.#waiting.indexOf('\r\n');
    if (end < 0) {
      if (this.#waiting.length > LOAD_LIMITS.headBytesMax)
        throw new RequestFailure('malformed', 'endless line');
      return false;
    }
    this.#state = next(this.#take(end + 2).toString('latin1', 0, end));
    return true;
  }

  #readBody(left: number, next: (left: number) => State): boolean {
    const size = Math.min(left, this.#waiting.length);
    if (size === 0) return false;
    this.#sink.data(this.#take(size));
    this.#state = next(left - size);
    return true;
  }

  #take(size: number): Buffer {
    const taken = this.#waiting.subarray(0, size);
    this.#waiting = this.#waiting.length === size ? NOTHING : this.#waiting.subarray(size);
    return taken;
  }
}

function parseHead(text: string): { head: ResponseHead; state: State } {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const match = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(statusLine);
  if (!match) throw new RequestFailure('malformed', `status line "${statusLine.slice(0, 80)}"`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new RequestFailure('malformed', `header line "${line.slice(0, 80)}"`);
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const status = Number(match[2]);
  const state = framing(status, headers);
  const options = (headers.get('connection') ?? '').toLowerCase();
  const wantsClose = match[1] === '0' ? !options.includes('keep-alive') : options.includes('close');
  return { head: { status, headers, keepAlive: !wantsClose && state.at !== 'until-close' }, state };
}

/** RFC 9112 s. 6.3. */
function framing(status: number, headers: ReadonlyMap<string, string>): State {
  const encoding = headers.get('transfer-encoding');
  const length = headers.get('content-length');
  if (encoding !== undefined && length !== undefined)
    throw new RequestFailure('malformed', 'both Transfer-Encoding and Content-Length');
  if (status === 101 || status === 204 || status === 304) return { at: 'done' };
  if (encoding !== undefined) {
    if (encoding.toLowerCase() !== 'chunked') throw new RequestFailure('malformed', `encoding "${encoding}"`);
    return { at: 'chunk-size' };
  }
  if (length === undefined) return { at: 'until-close' };
  if (!/^\d+$/.test(length)) throw new RequestFailure('malformed', `Content-Length "${length}"`);
  return Number(length) === 0 ? { at: 'done' } : { at: 'length', left: Number(length) };
}
