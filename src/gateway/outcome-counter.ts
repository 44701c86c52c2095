/** How requests ended and how long they took: of one instance, or of one weight of a version. */
import type { Outcomes, Totals } from '../core/traffic/counts.ts';
import { HISTOGRAM_BUCKETS, pairsOf } from '../core/traffic/histogram.ts';

export class OutcomeCounter {
  readonly #answered: [number, number, number, number] = [0, 0, 0, 0];
  #failed = 0;
  #abandoned = 0;
  #retried = 0;
  /** Most instances of a large project never get a request between two of their releases: made on need. */
  #latency: Uint32Array | undefined;
  #latencySumMs = 0;
  /** Something was counted since whoever reports it cleared this. */
  changed = false;

  answered(status: number): void {
    const index = Math.min(5, Math.max(2, Math.floor(status / 100))) - 2;
    this.#answered[index] = (this.#answered[index] ?? 0) + 1;
    this.changed = true;
  }

  count(ending: 'failed' | 'abandoned' | 'retried'): void {
    this.changed = true;
    switch (ending) {
      case 'failed':
        this.#failed += 1;
        break;
      case 'abandoned':
        this.#abandoned += 1;
        break;
      case 'retried':
        this.#retried += 1;
        break;
    }
  }

  measure(bucket: number, durationMs: number): void {
    this.#latency ??= new Uint32Array(HISTOGRAM_BUCKETS);
    this.#latency[bucket] = (this.#latency[bucket] ?? 0) + 1;
    this.#latencySumMs += durationMs;
    this.changed = true;
  }

  outcomes(): Outcomes {
    const latency = this.#latency === undefined ? [] : pairsOf(this.#latency);
    return { ...this.totals(), latency, latencySumMs: this.#latencySumMs };
  }

  totals(): Totals {
    return {
      answered: [...this.#answered],
      failed: this.#failed,
      abandoned: this.#abandoned,
      retried: this.#retried,
    };
  }
}
