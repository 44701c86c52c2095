/** What the judge is given: counts per side and per share, as the gateway assigned them (T5). */
import type { Histogram } from './latency.ts';

/** Requests of one side. Where traffic is sticky, `errors` counts the first error of each session only. */
export interface Side {
  readonly requests: number;
  readonly errors: number;
  readonly latency: Histogram;
  /** Decisions of the gateway: requests, or new sessions where traffic is sticky. */
  readonly assigned: number;
  /** Who came, where a hash of requests keeps them: a sketch of keys. */
  readonly keys?: string | undefined;
}

/** Everything that was assigned while the candidate had this share (0 to 1; at 1 there is nothing to compare with). */
export interface Observation {
  readonly share: number;
  /** The rule that chose whose requests these are; null: they are everybody's. */
  readonly rule: string | null;
  readonly candidate: Side;
  readonly stable: Side;
}

/** Stable's own record from before the release, cut into windows of equal length, such as hours of the last day. */
export interface Past {
  readonly windows: readonly PastWindow[];
}

export interface PastWindow {
  readonly requests: number;
  readonly errors: number;
  readonly latency: Histogram;
}

export interface Observed {
  /** Since the release began: evidence that a candidate is worse is never thrown away. */
  readonly release: readonly Observation[];
  /** Since the stage began: each stage earns its own promotion. */
  readonly stage: readonly Observation[];
  /** Null: there is none yet. */
  readonly past: Past | null;
}
