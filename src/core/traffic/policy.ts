import { limits } from '../limits.ts';

/** What a service lets happen to its requests and instances beyond where they go. Null is "no such bound". */
export interface Policy {
  /** The whole request, from its head to the end of its response; streams are not meant. */
  readonly requestMs: number | null;
  /** Longest wait for the next part of a request's body. */
  readonly bodyMs: number;
  /** Of a client that ended its side: how long it may wait for the next word before it is taken for gone. */
  readonly halfClosedMs: number;
  /** Of a request's body, without its framing. */
  readonly bodyBytesMax: number | null;
  /** Of one instance; each worker of the gateway keeps to its part, one at least. */
  readonly instance: InstanceBounds;
  /** Requests that wait because every instance has as many as it may. */
  readonly queue: { readonly forMs: number; readonly requestsMax: number };
  readonly ejection: EjectionPolicy | null;
  /** Every request gets this answer instead of an instance's. */
  readonly maintenance: Maintenance | null;
  readonly shadow: ShadowPolicy | null;
}

export interface InstanceBounds {
  /** In flight at once, streams not counted. */
  readonly requestsMax: number | null;
  /** In use at once, streams included. */
  readonly connectionsMax: number | null;
}

/** When an instance that fails gets no requests for a while. */
export interface EjectionPolicy {
  /** Failures in a row. */
  readonly failures: number;
  /** How long it is out the first time; each time that follows soon doubles it. */
  readonly forMs: number;
}

/** Copies of requests to another service; their answers are dropped. */
export interface ShadowPolicy {
  readonly to: string;
  readonly percent: number;
  readonly methods: readonly string[];
}

export interface Maintenance {
  /** From 200 to 599. */
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** Null: no such field. */
  readonly retryAfterS: number | null;
  /** Networks whose clients are served as always. */
  readonly allow: readonly string[];
}

export const DEFAULT_POLICY: Policy = {
  requestMs: null,
  bodyMs: 30_000,
  halfClosedMs: limits.gateway.halfClosedMs,
  bodyBytesMax: null,
  instance: { requestsMax: null, connectionsMax: null },
  queue: { forMs: 5_000, requestsMax: 1_000 },
  ejection: null,
  maintenance: null,
  shadow: null,
};
