/** Counts of the copies that one candidate got, and of how they compare with their originals. */
import { limits } from '../core/limits.ts';
import { bucketOf, HISTOGRAM_BUCKETS, pairsOf } from '../core/traffic/histogram.ts';
import type { ShadowCounts } from '../core/traffic/shadow.ts';

/** How one of a pair ended. */
export interface PairHalf {
  /** Null: there was no response, or half of one. */
  readonly status: number | null;
  readonly durationMs: number;
  /** Of its body; null: bodies are not compared. */
  readonly digest: string | null;
}

const isError = ({ status }: PairHalf): boolean => status === null || status >= 500;

export class ShadowTally {
  readonly #service: string;
  readonly #version: string;
  #sent = 0;
  #dropped = 0;
  #compared = 0;
  #copyErrors = 0;
  #originalErrors = 0;
  #otherStatus = 0;
  #otherBody = 0;
  #slower = 0;
  readonly #copyLatency = new Uint32Array(HISTOGRAM_BUCKETS);
  readonly #originalLatency = new Uint32Array(HISTOGRAM_BUCKETS);
  /** Something was counted since whoever reports it cleared this. */
  changed = false;

  constructor(service: string, version: string) {
    this.#service = service;
    this.#version = version;
  }

  sent(): void {
    this.#sent += 1;
    this.changed = true;
  }

  dropped(): void {
    this.#dropped += 1;
    this.changed = true;
  }

  compared(original: PairHalf, copy: PairHalf): void {
    this.changed = true;
    this.#compared += 1;
    if (isError(copy)) this.#copyErrors += 1;
    if (isError(original)) this.#originalErrors += 1;
    if (copy.status !== original.status) this.#otherStatus += 1;
    else if (copy.digest !== original.digest) this.#otherBody += 1;
    const leastMs = Math.max(2 * original.durationMs, original.durationMs + limits.gateway.shadowSlowerMs);
    if (copy.durationMs > leastMs) this.#slower += 1;
    count(this.#copyLatency, copy.durationMs);
    count(this.#originalLatency, original.durationMs);
  }

  counts(): ShadowCounts {
    return {
      service: this.#service,
      version: this.#version,
      sent: this.#sent,
      dropped: this.#dropped,
      compared: this.#compared,
      copyErrors: this.#copyErrors,
      originalErrors: this.#originalErrors,
      otherStatus: this.#otherStatus,
      otherBody: this.#otherBody,
      slower: this.#slower,
      copyLatency: pairsOf(this.#copyLatency),
      originalLatency: pairsOf(this.#originalLatency),
    };
  }
}

function count(histogram: Uint32Array, durationMs: number): void {
  const bucket = bucketOf(durationMs);
  histogram[bucket] = (histogram[bucket] ?? 0) + 1;
}
