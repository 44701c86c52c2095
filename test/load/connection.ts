/**
 * One client connection with at most one request under way, straight on a socket: nothing here is ever sent
 * twice, and every way in which a connection can end has its own name.
 */
import { connect, type Socket } from 'node:net';
import { RequestFailure } from './failure.ts';
import type { Target } from './options.ts';
import { ResponseReader, type ResponseHead, type ResponseSink } from './response-reader.ts';

interface UnderWay {
  readonly reader: ResponseReader;
  readonly resolve: (head: ResponseHead) => void;
  readonly reject: (failure: RequestFailure) => void;
  head: ResponseHead | null;
  bytesSeen: boolean;
}

export class Connection {
  readonly #socket: Socket;
  readonly #localPort: number;
  #underWay: UnderWay | null = null;
  #served = 0;
  #ended = false;
  #refusesMore = false;
  #strayBytes = false;
  #rest: Buffer = Buffer.alloc(0);
  #error: NodeJS.ErrnoException | null = null;

  private constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket;
    this.#localPort = socket.localPort ?? 0;
    socket.setTimeout(timeoutMs, () => {
      if (this.#underWay) this.#fail('timeout', `silent for ${timeoutMs} ms`);
    });
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onEnd);
  }

  static open(target: Target, timeoutMs: number): Promise<Connection> {
    const { promise, resolve, reject } = Promise.withResolvers<Connection>();
    const socket = connect({ host: target.host, port: target.port, noDelay: true });
    const onError = (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'ECONNREFUSED' ? 'refused' : 'unreachable';
      reject(new RequestFailure(reason, error.message, codeOf(error)));
    };
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new RequestFailure('timeout', 'connecting'));
    }, timeoutMs);
    socket.once('error', onError);
    socket.once('connect', () => {
      socket.off('error', onError);
      resolve(new Connection(socket, timeoutMs));
    });
    return promise.finally(() => clearTimeout(timer));
  }

  /** Served before: what then goes wrong can be the end of an idle connection. */
  get reused(): boolean {
    return this.#served > 0;
  }

  /** The server closed it while nothing was under way. */
  get closedIdle(): boolean {
    return this.#ended && !this.#refusesMore;
  }

  get usable(): boolean {
    return !this.#ended && !this.#refusesMore && this.#socket.writable;
  }

  /** Resolves when the whole response has arrived. The request's body may follow with `write`. */
  exchange(request: string | Buffer, sink: ResponseSink): Promise<ResponseHead> {
    const { promise, resolve, reject } = Promise.withResolvers<ResponseHead>();
    const reader = new ResponseReader({
      head: (head) => {
        underWay.head = head;
        sink.head(head);
      },
      data: (chunk) => sink.data(chunk),
    });
    const underWay: UnderWay = { reader, resolve, reject, head: null, bytesSeen: false };
    this.#underWay = underWay;
    if (this.#strayBytes) this.#fail('malformed', 'bytes without a request');
    else this.#socket.write(request, 'latin1');
    return promise;
  }

  /** Reads nothing for a while, as somebody on a slow line. */
  rest(ms: number): void {
    this.#socket.pause();
    setTimeout(() => this.#socket.resume(), ms);
  }

  /** A piece of the body. False: the exchange is over and the rest is not wanted. */
  async write(piece: Buffer | string): Promise<boolean> {
    if (!this.#underWay || !this.#socket.writable) return false;
    if (this.#socket.write(piece)) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once('drain', resolve).once('close', resolve);
    await promise;
    this.#socket.off('drain', resolve).off('close', resolve);
    return this.#underWay !== null && this.#socket.writable;
  }

  /** After a 101: the socket and what the new protocol has sent already. */
  detach(): { readonly socket: Socket; readonly rest: Buffer } {
    this.#ended = true;
    this.#socket.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onEnd);
    this.#socket.off('error', this.#onError);
    this.#socket.removeAllListeners('timeout');
    this.#socket.pause();
    return { socket: this.#socket, rest: this.#rest };
  }

  close(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    const underWay = this.#underWay;
    if (!underWay) {
      this.#strayBytes = true;
      return;
    }
    underWay.bytesSeen = true;
    try {
      underWay.reader.push(chunk);
    } catch (error) {
      if (error instanceof RequestFailure) this.#fail(error.reason, error.message);
      else throw error;
    }
    if (underWay.reader.done) this.#finish(underWay);
  };

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    this.#error = error;
    this.#onEnd();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    const underWay = this.#underWay;
    if (!underWay) return;
    if (!this.#error && underWay.reader.end()) this.#finish(underWay);
    else if (this.reused && !underWay.bytesSeen) this.#fail('closed-idle', this.#error?.message);
    else if (this.#error) this.#fail('reset', this.#error.message);
    else this.#fail('closed', underWay.head ? 'in the middle of the response' : 'without a response');
  };

  #finish(underWay: UnderWay): void {
    const { head, reader } = underWay;
    if (this.#underWay !== underWay || !head) return;
    if (head.status !== 101 && reader.rest.length > 0)
      return this.#fail('malformed', 'bytes after the response');
    this.#underWay = null;
    this.#rest = reader.rest;
    this.#served += 1;
    this.#refusesMore = !head.keepAlive;
    underWay.resolve(head);
  }

  #fail(reason: RequestFailure['reason'], detail = ''): void {
    const underWay = this.#underWay;
    if (!underWay) return;
    this.#underWay = null;
    const about = { ...codeOf(this.#error), localPort: this.#localPort, reused: this.reused };
    underWay.reject(new RequestFailure(reason, detail, { ...about, head: underWay.head }));
    this.close();
  }
}

function codeOf(error: NodeJS.ErrnoException | null): { code?: string } {
  return error?.code === undefined ? {} : { code: error.code };
}
