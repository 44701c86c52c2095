/**
 * The HTTP/2 connection of a client. Each stream is a call of its own; no change of routing touches the session
 * (T4). It ends as RFC 9113 s. 6.8 has it: first the word that no more streams are to come, then the number of the
 * last one that is served. Node throws away what crosses that first word: it was not processed, is above that number
 * when it comes, and so the client's to send again (T3).
 */
import http2, { constants, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import { limits } from '../../core/limits.ts';
import type { Call } from '../call.ts';
import { ClientConnection, type ClientOwner } from '../client-connection.ts';
import type { ClientSocket } from '../client-socket.ts';
import { monotonicMs } from '../clock.ts';
import type { GatewayTally } from '../gateway-tally.ts';
import type { Peer } from '../http1/peer.ts';
import type { Sweep, Timed } from '../sweep.ts';
import { requestText } from './request-text.ts';
import { StreamSocket } from './stream-socket.ts';

/** The listener that it came through. */
export interface SessionOwner {
  readonly sweep: Sweep;
  readonly retiring: boolean;
  readonly tally: GatewayTally;
  dispatch(call: Call): void;
  sessionClosed(session: ClientSession): void;
}

const LAST_STREAM_MAX = 2 ** 31 - 1;
const { http2: bounds } = limits.gateway;

const OPTIONS: http2.ServerOptions = {
  maxSessionMemory: bounds.sessionMemoryMb,
  maxHeaderListPairs: limits.gateway.headFieldsMax + 4,
  streamResetBurst: bounds.resetsBurst,
  streamResetRate: bounds.resetsPerSecond,
  // What an instance says twice is its business, as it is in HTTP/1.1.
  strictSingleValueFields: false,
  settings: {
    enablePush: false,
    maxConcurrentStreams: bounds.streamsPerSessionMax,
    maxHeaderListSize: limits.gateway.headBytesMax,
    initialWindowSize: bounds.streamWindowBytes,
  },
};

/** Of all sessions of this process. */
let streamsOpen = 0;

export class ClientSession implements Timed, ClientOwner {
  /** A stream's own connection has no next request: the end of the session is none of its business. */
  readonly retiring = false;
  readonly closing = false;
  deadlineMs = monotonicMs() + limits.gateway.headTimeoutMs;
  readonly #owner: SessionOwner;
  readonly #socket: ClientSocket;
  readonly #session: Http2Session;
  readonly #peer: Peer;
  readonly #remoteAddress: string | undefined;
  readonly #calls = new Set<ClientConnection>();
  #state: 'open' | 'announced' | 'closing' = 'open';
  #isOver = false;

  constructor(socket: ClientSocket, peer: Peer, owner: SessionOwner) {
    this.#owner = owner;
    this.#peer = peer;
    this.#socket = socket;
    this.#remoteAddress = socket.remoteAddress;
    const session = http2.performServerHandshake(socket, OPTIONS);
    this.#session = session;
    session.setLocalWindowSize(bounds.sessionWindowBytes);
    session.on('stream', (stream, _headers, _flags, raw) => this.#streamed(stream, raw));
    // The close that follows says all there is to say.
    session.on('error', () => undefined);
    session.once('close', () => this.#over());
    socket.once('close', () => this.#over());
    // Node's session leaves the end to a socket that ends by itself, and ours may be open at one side only.
    socket.once('end', () => this.break());
    if (owner.retiring) this.endIfIdle();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#session.destroy();
    this.#owner.sessionClosed(this);
  }

  get tally(): GatewayTally {
    return this.#owner.tally;
  }

  dispatch(call: Call): void {
    this.#owner.dispatch(call);
  }

  closed(connection: ClientConnection): void {
    this.#calls.delete(connection);
    streamsOpen -= 1;
    this.#owner.sweep.delete(connection);
    if (this.#calls.size > 0 || this.#state !== 'open') return;
    this.deadlineMs = monotonicMs() + limits.gateway.clientIdleTimeoutMs;
  }

  /** A stream's request is written by us, in HTTP/1.1. */
  http2(): void {}

  /** Streams that are open are served. */
  endIfIdle(): void {
    if (this.#state !== 'open') return;
    this.#state = 'announced';
    this.deadlineMs = monotonicMs() + limits.gateway.lingerMs;
    if (this.#session.destroyed) return;
    this.#session.goaway(constants.NGHTTP2_NO_ERROR, LAST_STREAM_MAX);
    this.#session.ping(() => this.#close());
  }

  break(): void {
    this.#session.destroy();
    // A session that was closing waits for a client that may not read any more.
    this.#socket.destroy();
  }

  expired(): void {
    if (this.#state === 'open') this.endIfIdle();
    else if (this.#state === 'announced') this.#close();
    else this.break();
  }

  #close(): void {
    if (this.#state === 'closing' || this.#session.destroyed) return;
    this.#state = 'closing';
    // Requests have limits of their own, and the drain has one for all of them.
    this.deadlineMs = Infinity;
    this.#session.close();
  }

  #streamed(stream: ServerHttp2Stream, raw: readonly string[]): void {
    const request = requestText(raw, stream.endAfterHeaders);
    if (!request || streamsOpen >= bounds.streamsMax) {
      stream.on('error', () => undefined);
      return stream.close(request ? constants.NGHTTP2_REFUSED_STREAM : constants.NGHTTP2_PROTOCOL_ERROR);
    }
    streamsOpen += 1;
    const socket = new StreamSocket(stream, request, this.#remoteAddress);
    const connection = new ClientConnection(socket, this, this.#peer);
    this.#calls.add(connection);
    this.#owner.sweep.add(connection);
    if (this.#state === 'open') this.deadlineMs = Infinity;
  }
}
