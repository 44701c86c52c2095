import type { Latency } from './summary.ts';

/** Buckets grow by 1%, so a quantile is off by at most that; the longest is kept exactly. */
const GROWTH = Math.log(1.01);
const FLOOR_MS = 0.01;
const BUCKETS = 2_000;

export class Latencies {
  readonly #buckets = new Uint32Array(BUCKETS);
  #count = 0;
  #maxMs = 0;

  add(ms: number): void {
    const bucket = Math.ceil(Math.log(Math.max(ms, FLOOR_MS) / FLOOR_MS) / GROWTH);
    const index = Math.min(bucket, BUCKETS - 1);
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.#count += 1;
    this.#maxMs = Math.max(this.#maxMs, ms);
  }

  summary(): Latency | null {
    if (this.#count === 0) return null;
    return {
      count: this.#count,
      p50Ms: this.#quantile(0.5),
      p99Ms: this.#quantile(0.99),
      maxMs: this.#maxMs,
    };
  }

  #quantile(share: number): number {
    let seen = 0;
    for (const [bucket, n] of this.#buckets.entries()) {
      seen += n;
      if (seen >= share * this.#count) return Math.min(FLOOR_MS * Math.exp(bucket * GROWTH), this.#maxMs);
    }
    return this.#maxMs;
  }
}
