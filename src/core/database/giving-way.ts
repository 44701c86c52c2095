/**
 * How fast a backfill may go beside the users of what serves: at full speed while their requests are as fast as they
 * were before it, slower at once when they are not, faster again step by step. Without requests there is nobody to
 * give way to.
 */
import { limits } from '../limits.ts';

const { latencyTolerated, paceRequestsMin, speedMin } = limits.schema;

export interface LatencySeen {
  readonly requests: number;
  readonly p99Ms: number | null;
}

export class GivingWay {
  readonly #maxMs: number | null;
  #beforeMs: number | null = null;
  #speed = 1;

  /** `maxMs`: what the judge lets no version be slower than; null: nothing is said. */
  constructor(maxMs: number | null) {
    this.#maxMs = maxMs;
  }

  get speed(): number {
    return this.#speed;
  }

  /** What was seen before the backfill began; of what is known already, the quickest counts. */
  before({ requests, p99Ms }: LatencySeen): void {
    if (p99Ms === null || requests < paceRequestsMin) return;
    this.#beforeMs = Math.min(p99Ms, this.#beforeMs ?? Infinity);
  }

  look({ requests, p99Ms }: LatencySeen): void {
    if (p99Ms === null || requests < paceRequestsMin) {
      this.#speed = Math.min(1, this.#speed * 2);
      return;
    }
    const bound = Math.min(this.#maxMs ?? Infinity, (this.#beforeMs ?? Infinity) * latencyTolerated);
    this.#speed = p99Ms > bound ? Math.max(speedMin, this.#speed / 2) : Math.min(1, this.#speed * 1.25);
  }
}
