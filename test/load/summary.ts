/** What the load saw, as plain data. Times named `At` are wall clock, in milliseconds. */
export interface Snapshot {
  readonly startedAtMs: number;
  readonly elapsedMs: number;
  readonly sent: number;
  /** The whole response arrived and was as expected. */
  readonly answered: number;
  readonly failed: number;
  readonly inFlight: number;
  readonly reasons: Readonly<Partial<Record<FailureReason, number>>>;
  readonly versions: Readonly<Record<string, VersionCounts>>;
  readonly streams: { readonly websocket: StreamCounts; readonly sse: StreamCounts };
  /** Idle connections that the server closed between two requests: correct, and worth knowing. */
  readonly idleCloses: number;
  /** HTTP/2 streams that were refused unprocessed, and sent on another session. */
  readonly refusedStreams: number;
  readonly window: string;
}

export interface Summary extends Snapshot {
  /** No request failed and no stream broke. */
  readonly clean: boolean;
  /** The first ones whole; `failed` and `streams.*.broken` count all. */
  readonly failures: readonly Failure[];
  /** In the order in which they were marked; one that was marked twice appears twice. */
  readonly windows: readonly WindowSummary[];
  /** What each member of the shop said last and was told to be kept; left out: nobody can know. */
  readonly accounts: Readonly<Record<string, Account>>;
}

export interface Account {
  readonly name: string;
  readonly mail: string;
}

export interface VersionCounts {
  readonly requests: number;
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
  /** When the last request that this version answered was sent. */
  readonly lastSentAtMs: number;
}

export interface StreamCounts {
  readonly open: number;
  readonly opened: number;
  /** Ended as the protocol provides: close frame 1012, or the end of the event stream's body. */
  readonly told: number;
  readonly reconnected: number;
  /** Could not be opened, were cut, went silent or lost something. */
  readonly broken: number;
  readonly messages: number;
}

/** A request belongs to the window in which it ended. Latencies are of timed requests that were answered. */
export interface WindowSummary {
  readonly name: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly answered: number;
  readonly failed: number;
  /** Null when nothing was timed. */
  readonly latency: Latency | null;
}

export interface Latency {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export type FailureReason =
  | 'refused'
  | 'unreachable'
  | 'reset'
  | 'closed'
  /**
   * A connection that had served before closed on the request before a byte of the response: the server gave
   * up an idle connection as we wrote, or died on the request; a client cannot know which.
   */
  | 'closed-idle'
  | 'timeout'
  | 'status'
  | 'malformed'
  | 'body'
  | 'lost'
  | 'duplicated'
  | 'logged-out'
  | 'close-code'
  | 'silent';

export interface Failure {
  readonly reason: FailureReason;
  readonly code: string | null;
  readonly method: string;
  readonly path: string;
  readonly atMs: number;
  readonly afterMs: number;
  readonly reused: boolean;
  readonly status: number | null;
  readonly version: string | null;
  readonly window: string;
  /** Of the client's connection, where it broke. */
  readonly localPort: number | null;
  readonly detail: string;
}

export interface Load {
  /** From another process: at most `LOAD_LIMITS.snapshotIntervalMs` old. */
  stats(): Snapshot;
  /** Ends the window under way and begins another. */
  mark(name: string): Promise<void>;
  /** Lets what is under way end, then closes everything. */
  stop(): Promise<Summary>;
}
