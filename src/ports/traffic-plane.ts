import type { TrafficReport } from '../core/traffic/counts.ts';
import type { Listen } from '../core/project.ts';
import type { Routing } from '../core/traffic/routing.ts';

export interface RoutingAck {
  readonly number: number;
  /** Addresses that could not be bound; everything else of the routing is in force. */
  readonly failed: readonly {
    readonly listen: Listen;
    readonly code: 'PORT_IN_USE' | 'LISTEN_REFUSED';
    readonly detail: string;
  }[];
}

export type PlaneEvent =
  | { readonly type: 'started'; readonly pid: number }
  | { readonly type: 'adopted'; readonly pid: number; readonly routing: number | null }
  | { readonly type: 'lost'; readonly detail: string };

export interface AccessLogRequest {
  readonly lines: number;
  readonly follow: boolean;
  readonly wanted: (line: string) => boolean;
  readonly signal: AbortSignal;
}

/** A process of the plane that clients are connected to. Those that do not serve only end what they have. */
export interface PlaneWorker {
  readonly pid: number;
  readonly stage: 'serving' | 'released' | 'retiring';
}

/** What carries the traffic. It runs exactly one routing at a time and says which. */
export interface TrafficPlane {
  readonly name: string;
  /** Finds the running plane or starts one. Resolves when it can take a routing. */
  open(fence: number): Promise<void>;
  /** Resolves when every worker runs this routing (R3). A plane that was lost and came back gets the last one again. */
  apply(routing: Routing): Promise<RoutingAck>;
  /** The newest report, or null before the first. */
  report(): TrafficReport | null;
  /** One that knows of everything that ended before the call; the newest, however old, when none comes. */
  freshReport(): Promise<TrafficReport | null>;
  onReport(listener: (report: TrafficReport) => void): () => void;
  /** Lines of JSON, one for each request, as far as they are written: the last ones, then with `follow` new ones. */
  accessLog(request: AccessLogRequest): AsyncIterable<string>;
  onEvent(listener: (event: PlaneEvent) => void): () => void;
  readonly workers: readonly PlaneWorker[];
  /**
   * Puts the newest code of the plane in place, without a refused connection, if it runs another version, or in any
   * case. False when there was nothing to do. Throws GATEWAY_UPGRADE_FAILED, and everything is as it was.
   */
  upgrade(force: boolean): Promise<boolean>;
  /** Ends the plane itself: no new connections, requests in flight within the limit. */
  stop(graceMs: number): Promise<void>;
  /** Lets go and leaves it running. */
  close(): Promise<void>;
}
