/**
 * One stream to an instance that speaks HTTP/2, used like a connection of HTTP/1.1: the head and the body that are
 * sent become frames, and the frames of the response become a head and a body again. Says whether the instance
 * refused the stream before it did anything with it (RFC 9113 s. 8.7), for T2 hangs on it.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2';
import { ChunkedBody } from '../http1/chunked-body.ts';
import { METHOD } from '../http1/method.ts';
import { RequestHead } from '../http1/request-head.ts';
import { HEADROOM_BYTES, TAILROOM_BYTES, type Upstream, type UpstreamUser } from '../upstream.ts';
import { http2Fields, http2Trailers, objectOf } from './fields.ts';
import { lastChunk } from './request-text.ts';
import { responseText } from './response-text.ts';

const GARBLED = Buffer.from('garbled', 'latin1');

/** For all exchanges: a head is read and passed on in one go. */
const head = new RequestHead();

/** Who gave it the stream. */
export interface ExchangeOwner {
  ended(exchange: Exchange): void;
}

export class Exchange implements Upstream {
  user: UpstreamUser | null;
  deadlineMs = Infinity;
  readonly mayRefuse = true;
  readonly #owner: ExchangeOwner;
  #session: ClientHttp2Session | undefined;
  #stream: ClientHttp2Stream | undefined;
  #refused = false;
  #closed = false;
  #isHead = false;
  /** Of the request. */
  #chunks: ChunkedBody | undefined;
  #left = 0;
  /** Of the response. */
  #framing: 'none' | 'length' | 'chunked' = 'none';
  #trailers: readonly string[] = [];
  /** The instance said that this was the end. */
  #whole = false;

  constructor(owner: ExchangeOwner, user: UpstreamUser | null) {
    this.#owner = owner;
    this.user = user;
  }

  /** The session is ready. */
  begin(session: ClientHttp2Session): void {
    this.#session = session;
  }

  get refused(): boolean {
    return this.#refused;
  }

  get flushed(): boolean {
    return (this.#stream?.writableLength ?? 0) === 0;
  }

  get writable(): boolean {
    return this.#stream?.writable ?? false;
  }

  send(bytes: Buffer): boolean {
    if (this.#stream) return this.#sendBody(bytes);
    if (this.#session === undefined || head.scan(bytes, 0, bytes.length) !== 'complete') return this.#broke();
    const { fields } = head;
    this.#isHead = head.method === METHOD.head;
    this.#chunks = fields.chunked ? new ChunkedBody({ keepsFraming: false, keepsTrailer: true }) : undefined;
    this.#left = Math.max(0, fields.contentLength);
    const hasBody = fields.chunked || this.#left > 0;
    const list = [
      ...[':method', bytes.toString('latin1', head.methodFrom, head.methodTo), ':scheme', 'http'],
      // RFC 9113 s. 8.3.1: there is none that is empty.
      ...(head.hostTo > head.hostFrom
        ? [':authority', bytes.toString('latin1', head.hostFrom, head.hostTo)]
        : []),
      ...[':path', bytes.toString('latin1', head.pathFrom, head.pathTo)],
      ...http2Fields(bytes, fields),
      ...['te', 'trailers'],
    ];
    const { end } = head;
    try {
      this.#listen(this.#session.request(list, { endStream: !hasBody, waitForTrailers: fields.chunked }));
    } catch {
      // If the session ended in this moment, nothing has left; what Node does not send at all is not tried again.
      this.#refused = this.#session.closed || this.#session.destroyed;
      return this.#broke();
    }
    return end === bytes.length || this.#sendBody(bytes.subarray(end));
  }

  resume(): void {
    if (this.#stream?.isPaused()) this.#stream.resume();
  }

  end(): void {
    this.#stream?.end();
  }

  destroy(): void {
    const stream = this.#stream;
    this.#over();
    if (!stream || stream.closed || stream.destroyed) return;
    // `close` would first send an end that makes half a body look whole.
    if (stream.writableEnded) stream.close(constants.NGHTTP2_CANCEL);
    else stream.destroy(new Error('broken off'));
  }

  keep(): void {
    this.user = null;
    this.destroy();
  }

  expired(): void {
    this.user?.upstreamExpired();
  }

  /** The session ended before it had a stream. */
  failed(): void {
    this.#refused = true;
    this.#over();
    this.user?.upstreamClosed();
  }

  #listen(stream: ClientHttp2Stream): void {
    this.#stream = stream;
    const push = stream.push.bind(stream);
    // A reset without an error ends the stream for its reader, too; only then it is closed before its end comes.
    stream.push = (part: unknown, encoding) => {
      this.#whole ||= part === null && !stream.closed;
      return push(part, encoding);
    };
    stream.on('headers', (_fields, _flags, raw: readonly string[]) =>
      this.#read(responseText(raw, 'interim')),
    );
    stream.once('response', (_fields, flags, raw: readonly string[]) => this.#responded(flags, raw));
    stream.on('trailers', (_fields, _flags, raw: readonly string[]) => (this.#trailers = raw));
    stream.on('data', (part: Buffer) => this.#readPart(part));
    stream.once('end', () => this.#ended());
    stream.on('drain', () => this.user?.upstreamDrained());
    stream.on('wantTrailers', () => this.#sendTrailers(stream));
    // The close that follows says all there is to say.
    stream.on('error', () => undefined);
    stream.once('close', () => {
      this.#refused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
      this.#over();
      this.user?.upstreamClosed();
    });
  }

  #sendTrailers(stream: ClientHttp2Stream): void {
    stream.sendTrailers(objectOf(http2Trailers(Buffer.from(this.#chunks?.trailer ?? []))));
  }

  /** What is wrong with it was checked on its way in. The bytes are others' too, and are not changed. */
  #sendBody(bytes: Buffer): boolean {
    const stream = this.#stream;
    if (!stream?.writable) return true;
    if (!this.#chunks) {
      this.#left -= bytes.length;
      const goesOn = stream.write(bytes);
      if (this.#left <= 0) stream.end();
      return goesOn;
    }
    const copy = Buffer.from(bytes);
    if (!this.#chunks.pass(copy, 0, copy.length)) return this.#broke();
    const part = copy.subarray(0, this.#chunks.sentTo);
    const goesOn = part.length === 0 || stream.write(part);
    if (this.#chunks.ended) stream.end();
    return goesOn;
  }

  #responded(flags: number, raw: readonly string[]): void {
    const ends = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const text = responseText(raw, this.#isHead ? 'head' : ends ? 'none' : 'body');
    this.#framing = text?.framing ?? 'none';
    this.#read(text);
  }

  /** What is no head makes the attempt say that the instance garbled it. */
  #read(text: { readonly bytes: Buffer } | null): void {
    this.#give(text?.bytes ?? GARBLED);
  }

  #readPart(part: Buffer): void {
    if (this.#framing === 'none' || part.length === 0) return;
    if (this.#framing === 'length') return this.#give(part);
    this.#give(Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]));
  }

  #ended(): void {
    if (this.#framing !== 'chunked' || !this.#whole || this.#stream?.rstCode) return;
    const last = lastChunk(this.#trailers);
    this.#give(last ?? GARBLED);
  }

  /** With the room around it that whoever reads it may use. */
  #give(bytes: Buffer): void {
    const { user } = this;
    if (!user || this.#closed) return;
    const to = HEADROOM_BYTES + bytes.length;
    const roomy = Buffer.allocUnsafe(to + TAILROOM_BYTES);
    bytes.copy(roomy, HEADROOM_BYTES);
    if (!user.read(roomy, HEADROOM_BYTES, to)) this.#stream?.pause();
  }

  #broke(): boolean {
    queueMicrotask(() => {
      this.#over();
      this.user?.upstreamClosed();
    });
    return true;
  }

  #over(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#owner.ended(this);
  }
}
