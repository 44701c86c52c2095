import type { FlagCounts, SharedOutcome } from '../flags/edge.ts';
import type { CertificateState } from './certificates.ts';
import type { CountryFileState } from './country-file.ts';
import type { ShadowCounts } from './shadow.ts';
import type { Group } from './split.ts';

/**
 * What the gateway counted for one instance since the gateway started (T5). Every request is in exactly one
 * of `answered`, `failed` and `abandoned` once it has ended; upgrades count when they begin.
 */
export interface InstanceCounts extends Outcomes {
  readonly service: string;
  readonly instance: string;
  readonly version: string;
  /** Under way now: requests without, and streams (WebSocket, SSE, other upgrades) apart. */
  readonly inFlight: number;
  readonly streams: number;
  readonly requests: number;
  /** It failed too often and gets no requests for a while; and how often that was so. */
  readonly ejected: boolean;
  readonly ejections: number;
  /** Wall clock; 0 when there was none. */
  readonly lastRequestAtMs: number;
  /** Longest time to the whole response since the last report. */
  readonly longestMs: number;
  /** Sent to the instance and received from it, heads included, as they passed the gateway. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What an instance in direct mode says of itself; how its requests ended it does not tell. */
export interface DirectCounts {
  readonly instance: string;
  /** At least 1 while it does not confirm that it accepts no more. */
  readonly inFlight: number;
  readonly streams: number;
}

/** How requests ended, all time. */
export interface Totals {
  /** Responses passed to the client, by hundreds: 2xx, 3xx, 4xx, 5xx of the instance itself. */
  readonly answered: Answered;
  /** The instance failed the request: refused, reset, late, or broke off in the middle of a response. */
  readonly failed: number;
  /** The client left first. */
  readonly abandoned: number;
  /** Tries that moved on to another instance or to a new connection (T2); requests of their own nowhere. */
  readonly retried: number;
}

export interface Outcomes extends Totals {
  /** Response times: `[bucket, count, ...]` pairs of the histogram in `histogram.ts`, and their sum. */
  readonly latency: readonly number[];
  readonly latencySumMs: number;
}

export type Answered = readonly [number, number, number, number];

/**
 * A row that is counted on from one report to the next. Each worker's are told apart, as long as it lives and for a
 * while after: what is new in them can be known only of one and the same counter (T5).
 */
export interface WorkerRow {
  readonly service: string;
  /** Which life of which process counted; left out: a gateway that does not tell. */
  readonly worker?: string | undefined;
}

/** Under which weight a request was given to a version (T5): what a judge compares has to share it. */
export interface Assignment {
  readonly service: string;
  readonly version: string;
  /** Both null where there is no split. */
  readonly group: Group | null;
  readonly percent: number | null;
  /** The name of the rule that decided; null: the weights. What no part of a rule gets is its, too. */
  readonly rule: string | null;
}

export interface AssignedCounts extends Assignment, Outcomes, WorkerRow {
  /** Times that somebody was put here: requests, or new sessions where the gateway's cookie keeps them. */
  readonly decisions: number;
  /** Who was here, as a sketch of keys (`key-sketch.ts`), where a hash of requests keeps them; absent: nobody. */
  readonly keys?: string | undefined;
}

/** Under way now, of those that got their instance under this routing (T1). */
export interface RunningCounts {
  readonly routing: number;
  readonly requests: number;
  readonly streams: number;
}

/** `status`: a 5xx of the instance itself; `died`, `garbled`, `late`: no response; `cut`: half of one. */
export type FailureKind = 'status' | 'died' | 'garbled' | 'late' | 'cut';

/** One request that an instance failed. */
export interface FailureEvent extends Assignment {
  readonly atMs: number;
  readonly instance: string;
  readonly routing: number;
  /** Hash of the session that met it; null: none known. */
  readonly session: string | null;
  readonly kind: FailureKind;
  /** Null: there was none. */
  readonly status: number | null;
  /** Left out: no flag that is being rolled out was shared out here. */
  readonly shared?: SharedOutcome | undefined;
}

/** The totals are of all instances that the service ever had, those forgotten included: they never fall. */
export interface ServiceCounts extends Totals {
  readonly service: string;
  /** Requests that had to wait for an instance, all time, and those that wait now. */
  readonly heldTotal: number;
  readonly holding: number;
  /** Requests answered by the gateway itself with 503 because no instance came in time. */
  readonly refused: number;
  /** Answered by the gateway itself before any instance was asked: maintenance, and bodies that are too large. */
  readonly turnedAway: number;
  /** Copies that were sent to the service's shadow, and those that there was no room or no instance for. */
  readonly shadowed: number;
  readonly shadowsDropped: number;
}

/** Of the gateway itself. */
export interface GatewayCounts {
  /** Clients connected now, and all time. */
  readonly connections: number;
  readonly connectionsTotal: number;
  /** Answered by the gateway before any service was known: no route, or not clear HTTP (T6). */
  readonly unrouted: number;
  readonly malformed: number;
  /** Lines that the access log had no room for. */
  readonly logDropped: number;
}

export interface TrafficReport {
  readonly atMs: number;
  readonly routing: number;
  /** False: of instances, services, assigned, shadows and flags only the rows that changed since the report before. */
  readonly whole: boolean;
  readonly instances: readonly InstanceCounts[];
  readonly services: readonly ServiceCounts[];
  readonly certificates: readonly CertificateState[];
  /** Null: there is no such file. */
  readonly countryFile: CountryFileState | null;
  readonly assigned: readonly AssignedCounts[];
  readonly shadows: readonly ShadowCounts[];
  readonly flags: readonly FlagCounts[];
  /** All of which there are rows; whoever is not among them will never be again. Null: that is not known yet. */
  readonly workers: readonly string[] | null;
  /** The eldest first; routings with nothing under way are left out. */
  readonly running: readonly RunningCounts[];
  /** Since the report before, and how many more there was no room for. */
  readonly failures: readonly FailureEvent[];
  readonly failuresMissed: number;
  /** Instances whose rows are no longer kept. */
  readonly forgotten: readonly string[];
  readonly gateway: GatewayCounts;
  /** Requests that did not come through the gateway; `instances` does not have them. */
  readonly direct: readonly DirectCounts[];
}
