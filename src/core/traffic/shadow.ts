/**
 * Copies of a service's requests to the candidate of its release. No user meets the candidate: its answers are
 * dropped, and what is kept is how they compare with those that the clients got.
 */

export interface ShadowShare {
  /** Of the requests with one of these methods. */
  readonly percent: number;
  readonly methods: readonly string[];
  /** Whether bodies are compared, too. */
  readonly bodies: boolean;
}

/**
 * Since the gateway started. A copy and its original are a pair once both have ended; none of them is in any other
 * count, because no user saw it (T5).
 */
export interface ShadowCounts {
  readonly service: string;
  /** The candidate's. */
  readonly version: string;
  readonly sent: number;
  /** Left out, because there was no room or nobody to send it to. */
  readonly dropped: number;
  /** Pairs. What follows is about them alone. */
  readonly compared: number;
  /** Answered with 5xx or not at all. */
  readonly copyErrors: number;
  readonly originalErrors: number;
  readonly otherStatus: number;
  /** The same status, another body; nothing where bodies are not compared. */
  readonly otherBody: number;
  /** The copy took more than twice as long as its original, and noticeably so. */
  readonly slower: number;
  /** Times to the whole response, as pairs of the histogram in `histogram.ts`. */
  readonly copyLatency: readonly number[];
  readonly originalLatency: readonly number[];
}

export const shadowKey = ({ service, version }: Pick<ShadowCounts, 'service' | 'version'>): string =>
  `${service} ${version}`;

export const noShadows = (service: string, version: string): ShadowCounts => ({
  ...{ service, version, sent: 0, dropped: 0, compared: 0, copyErrors: 0, originalErrors: 0 },
  ...{ otherStatus: 0, otherBody: 0, slower: 0, copyLatency: [], originalLatency: [] },
});
