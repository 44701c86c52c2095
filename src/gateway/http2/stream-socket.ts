/**
 * One stream of a client as a connection of HTTP/1.1 that carries one request: its frames become the bytes that
 * the scanner judges, and the bytes of the response become frames again. So HTTP/2 goes the one way that holds,
 * replays, drains and counts (T1-T7). What is written is taken apart in place and given back when it has left.
 */
import { constants, type ServerHttp2Stream } from 'node:http2';
import { Duplex } from 'node:stream';
import type { ClientSocket } from '../client-socket.ts';
import { ChunkedBody } from '../http1/chunked-body.ts';
import { framingOf } from '../http1/framing.ts';
import { METHOD } from '../http1/method.ts';
import { ResponseHead } from '../http1/response-head.ts';
import { http2Fields, http2Trailers, objectOf } from './fields.ts';
import { grpcAnswer, UNAVAILABLE } from './grpc.ts';
import { lastChunk, type RequestText } from './request-text.ts';

type Written = (error?: Error | null) => void;

/** For all streams: a head is read and passed on in one go. */
const head = new ResponseHead();
const CHUNK_END = Buffer.from('\r\n', 'latin1');

export class StreamSocket extends Duplex implements ClientSocket {
  readonly remoteAddress: string | undefined;
  readonly #stream: ServerHttp2Stream;
  readonly #request: RequestText;
  #trailers: readonly string[] = [];
  #requestEnded: boolean;
  #state: 'head' | 'body' | 'done' = 'head';
  #chunks: ChunkedBody | undefined;
  #left = 0;

  constructor(stream: ServerHttp2Stream, request: RequestText, remoteAddress: string | undefined) {
    super({ allowHalfOpen: true });
    this.#stream = stream;
    this.#request = request;
    this.remoteAddress = remoteAddress;
    this.#requestEnded = request.framing === 'none';
    stream.on('error', () => undefined);
    stream.once('close', () => this.destroy());
    // Given up by its client: one that nobody reads from does not close by itself.
    stream.once('aborted', () => this.destroy());
    if (!this.#requestEnded) {
      stream.on('trailers', (_fields, _flags, raw: readonly string[]) => (this.#trailers = raw));
      stream.on('data', (part: Buffer) => this.#requestPart(part));
      stream.once('end', () => this.#requestEnd());
    } else {
      stream.resume();
    }
    this.push(request.bytes);
  }

  destroySoon(): void {
    this.end(() => this.destroy());
  }

  override _read(): void {
    if (this.#stream.isPaused()) this.#stream.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, written: Written): void {
    if (this.#stream.destroyed || this.#stream.closed || this.#state === 'done') return written();
    const from = this.#state === 'head' ? this.#headIn(bytes) : 0;
    if (from === undefined) {
      this.destroy();
      return written();
    }
    this.#passBody(bytes, from, written);
  }

  /** What Node does not send is a broken response, and nobody else's trouble. */
  #headIn(bytes: Buffer): number | undefined {
    try {
      return this.#readHead(bytes);
    } catch {
      return undefined;
    }
  }

  override _final(done: Written): void {
    // Ended by us before the response was whole: the client must not take it for a short one.
    if (this.#state !== 'done') this.destroy();
    done();
  }

  override _destroy(error: Error | null, done: Written): void {
    const stream = this.#stream;
    if (stream.closed) stream.resume();
    else if (!stream.destroyed) this.#end(stream);
    done(error);
  }

  #end(stream: ServerHttp2Stream): void {
    if (this.#state === 'done') return this.#letGo();
    // A call that broke off has a word of its own for it, so that clients know that nobody's mistake it was.
    if (this.#request.grpc && this.#state === 'body' && this.#chunks) {
      stream.once('wantTrailers', () =>
        stream.sendTrailers({ 'grpc-status': String(UNAVAILABLE), 'grpc-message': 'the instance broke off' }),
      );
      stream.end();
      return;
    }
    // `close` would send an end of the stream before its reset, and what came would look whole.
    stream.destroy(new Error('broken off'));
  }

  /** In memory of its own: a part is a piece of all that came in one read, and would keep the whole of it. */
  #requestPart(part: Buffer): void {
    if (this.destroyed) return;
    const { framing } = this.#request;
    const bytes =
      framing === 'chunked'
        ? Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`, 'latin1'), part, CHUNK_END])
        : Buffer.from(part);
    if (part.length > 0 && !this.push(bytes)) this.#stream.pause();
  }

  #requestEnd(): void {
    this.#requestEnded = true;
    if (this.#request.framing !== 'chunked' || this.#stream.aborted || this.destroyed) return;
    const last = lastChunk(this.#trailers);
    if (last) this.push(last);
    else this.destroy();
  }

  /** Where the body begins; undefined: what was written is not a response. */
  #readHead(bytes: Buffer): number | undefined {
    let at = 0;
    while (at < bytes.length) {
      if (head.scan(bytes, at, bytes.length) !== 'complete') return undefined;
      at = head.end;
      if (head.status >= 200) {
        this.#respond(bytes);
        return at;
      }
      this.#stream.additionalHeaders(informationOf(bytes));
    }
    return at;
  }

  #respond(bytes: Buffer): void {
    const { status, fields } = head;
    const reason = this.#request.grpc ? ownReason(bytes) : undefined;
    if (reason !== undefined) {
      this.#state = 'done';
      this.#stream.respond(grpcAnswer(status, reason), { endStream: true });
      return this.#letGo();
    }
    const framing = framingOf(head, this.#request.method === 'HEAD' ? METHOD.head : METHOD.get);
    const list = [':status', String(status), ...http2Fields(bytes, fields)];
    if (framing === 'none' || (framing === 'length' && fields.contentLength === 0)) {
      this.#state = 'done';
      this.#stream.respond(list, { endStream: true });
      return this.#letGo();
    }
    this.#state = 'body';
    this.#left = framing === 'length' ? fields.contentLength : Infinity;
    if (framing === 'chunked') this.#chunks = new ChunkedBody({ keepsFraming: false, keepsTrailer: true });
    this.#stream.respond(list, { waitForTrailers: framing === 'chunked' });
  }

  #passBody(bytes: Buffer, from: number, written: Written): void {
    if (this.#state !== 'body') return written();
    const part = this.#take(bytes, from);
    if (part === undefined) {
      this.destroy();
      return written();
    }
    if (this.#chunks?.ended === true || this.#left === 0) return this.#finish(part, written);
    if (part.length === 0) return written();
    this.#stream.write(part, () => written());
  }

  #take(bytes: Buffer, from: number): Buffer | undefined {
    if (this.#chunks) {
      if (!this.#chunks.pass(bytes, from, bytes.length)) return undefined;
      return bytes.subarray(from, this.#chunks.sentTo);
    }
    const part = bytes.subarray(from, from + Math.min(this.#left, bytes.length - from));
    this.#left -= part.length;
    return part;
  }

  #finish(part: Buffer, written: Written): void {
    this.#state = 'done';
    const trailer = http2Trailers(Buffer.from(this.#chunks?.trailer ?? []));
    const chunked = this.#chunks !== undefined;
    this.#stream.once('wantTrailers', () => {
      this.#stream.sendTrailers(objectOf(trailer));
      setImmediate(() => this.#letGo());
    });
    this.#stream.end(part, () => {
      // Trailers come after the end, and nothing after a reset.
      if (!chunked) this.#letGo();
      written();
    });
  }

  /** RFC 9113 s. 8.1: after a whole response nobody needs the rest of the request. */
  #letGo(): void {
    if (!this.#requestEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }
}

function informationOf(bytes: Buffer): Record<string, string | string[]> {
  return objectOf([':status', String(head.status), ...http2Fields(bytes, head.fields)]);
}

/** What `Segue-Error` says: the answer is the gateway's own. */
function ownReason(bytes: Buffer): string | undefined {
  const list = http2Fields(bytes, head.fields);
  const at = list.indexOf('segue-error');
  return at < 0 ? undefined : list[at + 1];
}
