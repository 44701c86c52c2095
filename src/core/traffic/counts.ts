import type { CertificateState } from './certificates.ts';

/**
 * What the gateway counted for one instance since the gateway started (T5). Every request is in exactly one
 * of `answered`, `failed` and `abandoned` once it has ended; upgrades count when they begin.
 */
export interface InstanceCounts {
  readonly service: string;
  readonly instance: string;
  readonly version: string;
  /** Under way now: requests without, and streams (WebSocket, SSE, other upgrades) apart. */
  readonly inFlight: number;
  readonly streams: number;
  readonly requests: number;
  /** Responses passed to the client, by hundreds: 2xx, 3xx, 4xx, 5xx of the instance itself. */
  readonly answered: readonly [number, number, number, number];
  /** The instance failed the request: refused, reset, late, or broke off in the middle of a response. */
  readonly failed: number;
  /** The client left first. */
  readonly abandoned: number;
  /** Tries at this instance that moved on to another one or to a new connection (T2); not in `requests`. */
  readonly retried: number;
  /** Wall clock; 0 when there was none. */
  readonly lastRequestAtMs: number;
  /** Longest time to the whole response since the last report. */
  readonly longestMs: number;
  /** Response times: `[bucket, count, ...]` pairs of the histogram in `histogram.ts`. */
  readonly latency: readonly number[];
}

export interface ServiceCounts {
  readonly service: string;
  /** Requests that had to wait for an instance, all time, and those that wait now. */
  readonly heldTotal: number;
  readonly holding: number;
  /** Requests answered by the gateway itself with 503 because no instance came in time. */
  readonly refused: number;
}

export interface TrafficReport {
  readonly atMs: number;
  readonly routing: number;
  readonly instances: readonly InstanceCounts[];
  readonly services: readonly ServiceCounts[];
  readonly certificates: readonly CertificateState[];
}
