/** Failed requests one by one, until the next report takes them; of too many the oldest are only counted. */
import { limits } from '../core/limits.ts';
import type { FailureEvent } from '../core/traffic/counts.ts';

export class FailureRing {
  readonly #ring: FailureEvent[] = [];
  #total = 0;

  push(event: FailureEvent): void {
    this.#ring[this.#total % limits.gateway.failureEventsMax] = event;
    this.#total += 1;
  }

  /** In order; empty afterwards. */
  take(): { events: FailureEvent[]; missed: number } {
    const size = this.#ring.length;
    const missed = this.#total - size;
    const first = missed === 0 ? 0 : this.#total % limits.gateway.failureEventsMax;
    const events = [...this.#ring.slice(first), ...this.#ring.slice(0, first)];
    this.#ring.length = 0;
    this.#total = 0;
    return { events, missed };
  }
}
