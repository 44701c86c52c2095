/** What load to make. Plain data, so that it can be sent to another process. */
export interface LoadOptions {
  readonly target: Target;
  readonly clients?: readonly HttpClients[];
  readonly uploads?: Uploads;
  readonly slowReaders?: SlowReaders;
  readonly http2?: Http2Clients;
  readonly websocket?: WebSockets;
  readonly sse?: EventStreams;
  readonly sessions?: Sessions;
  readonly accounts?: Accounts;
  /** The response header that names the version; default `x-shop-version`. */
  readonly versionHeader?: string;
  /** A request, or the silence of a stream, longer than this is a failure; default 30 s. */
  readonly timeoutMs?: number;
}

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** `count` connections, each with one request at a time. */
export interface HttpClients extends Pace {
  readonly kind: 'keep-alive' | 'per-request';
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Instead of `path`, one after the other. */
  readonly paths?: readonly string[];
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly count: number;
  /** False leaves these requests out of the latencies (a page that is slow on purpose); default true. */
  readonly timed?: boolean;
  readonly expect?: Expectation;
}

export interface Pace {
  /** Rest after each answer; default 0. */
  readonly thinkMs?: number;
  /**
   * One request is due every so often on each connection, and its latency counts from when it was due: a
   * stalled server cannot hide the requests that it kept from being sent. Takes the place of `thinkMs`.
   */
  readonly everyMs?: number;
}

export interface Expectation {
  /** Default 200. */
  readonly status?: number;
  readonly contains?: string;
}

/** Bodies sent in pieces over a while, so that some are always under way. The answer is JSON {size, sha256}. */
export interface Uploads {
  readonly count: number;
  readonly path?: string;
  readonly bytes?: number;
  readonly pieces?: number;
  readonly betweenPiecesMs?: number;
  readonly framing?: 'length' | 'chunked';
  readonly thinkMs?: number;
}

/** Large answers, each read more slowly than it is sent, so that somebody has to hold the sender back. */
export interface SlowReaders {
  readonly count: number;
  readonly path?: string;
  /** Rest after each piece that was read; default 10. */
  readonly restMs?: number;
}

/** HTTP/2 in clear text, of the example shop: half of the streams get its home page, half of them upload. */
export interface Http2Clients {
  readonly count: number;
  /** Requests at once on each connection. */
  readonly streams: number;
  readonly thinkMs?: number;
}

export interface WebSockets {
  readonly count: number;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Send a text this often and expect it back; default 200. Null: only listen. */
  readonly echoEveryMs?: number | null;
}

export interface EventStreams {
  readonly count: number;
  readonly path?: string;
  /** Numeric ids must follow each other without a gap, reconnections included; default true. */
  readonly contiguous?: boolean;
}

/** People who log in to the example shop, fill a cart and look whether all of it is there. */
export interface Sessions {
  readonly count: number;
  readonly thinkMs?: number;
}

/** People who log in to the example shop, say who they are, change that, and look whether it is what they said last. */
export interface Accounts {
  readonly count: number;
  readonly thinkMs?: number;
}

export const LOAD_LIMITS = {
  timeoutMs: 30_000,
  /** Failures are all counted; this many are kept whole. */
  failuresKept: 5_000,
  /** Rest after a failure, so that a dead server is not hammered. It is no retry: the next request is another one. */
  afterFailureMs: 20,
  bodyBytesKept: 256 * 1024,
  headBytesMax: 64 * 1024,
  frameBytesMax: 1024 * 1024,
  snapshotIntervalMs: 100,
  processStartMs: 60_000,
} as const;
