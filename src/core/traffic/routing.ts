import type { Listen, Protocol, Route, Tls } from '../project.ts';
import type { EdgeRouting } from '../flags/edge.ts';
import type { Policy } from './policy.ts';
import type { Rule } from './rule.ts';
import type { GatewaySettings } from './settings.ts';
import type { ShadowShare } from './shadow.ts';
import type { Share } from './split.ts';
import type { Sticky } from './sticky.ts';

/** One instance as the gateway sees it. */
export interface Backend {
  readonly id: string;
  readonly version: string;
  readonly host: string;
  readonly port: number;
}

export interface DrainingBackend {
  readonly id: string;
  /** Requests in flight and streams get this long from the moment the gateway first sees the entry (T3). */
  readonly requestsMs: number;
  readonly streamsMs: number;
}

/** Where the requests of one service go. */
export interface ServiceRouting {
  readonly service: string;
  readonly listen: Listen;
  /** False: the instances accept from the address themselves, and the gateway does not. */
  readonly proxied: boolean;
  readonly routes: readonly Route[];
  /** Ready instances in rotation. Empty: requests are held within `hold` (R1, T7). */
  readonly backends: readonly Backend[];
  /** Null: all backends alike, whatever their version. */
  readonly split: readonly Share[] | null;
  /** The first that matches decides; the split decides for the others. */
  readonly rules: readonly Rule[];
  /** Copies for the candidate of the split; null: none. */
  readonly shadow: ShadowShare | null;
  readonly sticky: Sticky | null;
  /** Evaluated for every request; null: none. */
  readonly flags: EdgeRouting | null;
  /** An instance that is new gets its full part of the requests only after this. */
  readonly slowStartMs: number;
  readonly draining: readonly DrainingBackend[];
  readonly hold: { readonly forMs: number; readonly requestsMax: number };
  readonly responseMs: number;
  readonly policy: Policy;
  /** Null: plain. All services of one address agree on whether they have it. */
  readonly tls: Tls | null;
  readonly protocol: Protocol;
}

/** One complete, numbered description of where every request goes. Numbers only rise. */
export interface Routing {
  readonly number: number;
  /** Who made it (R7): the gateway refuses a routing from an older control. */
  readonly fence: number;
  readonly services: readonly ServiceRouting[];
  readonly settings: GatewaySettings;
}
