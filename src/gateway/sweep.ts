/** All deadlines of all connections by one timer: setting one costs an assignment, and it is kept to within a tick. */
import { limits } from '../core/limits.ts';
import { monotonicMs } from './clock.ts';

export interface Timed {
  /** `Infinity`: none. */
  readonly deadlineMs: number;
  /** Called with every tick after the deadline until there is another one. */
  expired(): void;
}

export class Sweep {
  readonly #timed = new Set<Timed>();
  readonly #ticking: NodeJS.Timeout;

  constructor() {
    this.#ticking = setInterval(() => this.#tick(), limits.gateway.sweepIntervalMs);
  }

  add(timed: Timed): void {
    this.#timed.add(timed);
  }

  delete(timed: Timed): void {
    this.#timed.delete(timed);
  }

  stop(): void {
    clearInterval(this.#ticking);
  }

  #tick(): void {
    const nowMs = monotonicMs();
    for (const timed of this.#timed) if (timed.deadlineMs <= nowMs) timed.expired();
  }
}
