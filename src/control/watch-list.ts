import type { Clock } from '../ports/clock.ts';
import type { HealthMonitor } from './health-monitor.ts';

interface Watched {
  readonly monitor: HealthMonitor;
  readonly sinceMs: number;
}

export interface LiveHealth {
  readonly trouble: string | null;
  readonly upMs: number;
  readonly checks: HealthMonitor['checks'];
}

/** What is known of running instances beyond their records: their health now, and since when they run. */
export class WatchList {
  readonly #clock: Clock;
  readonly #watched = new Map<string, Watched>();
  readonly #listeners = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Called after any change of what is ready or watched. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  add(id: string, monitor: HealthMonitor): void {
    this.#watched.get(id)?.monitor.stop();
    this.#watched.set(id, { monitor, sinceMs: this.#clock.monotonicMs() });
    monitor.start();
    this.changed();
  }

  remove(id: string): void {
    this.#watched.get(id)?.monitor.stop();
    if (this.#watched.delete(id)) this.changed();
  }

  has(id: string): boolean {
    return this.#watched.has(id);
  }

  isReady(id: string): boolean {
    return this.#watched.get(id)?.monitor.ready ?? false;
  }

  health(id: string): LiveHealth {
    const watched = this.#watched.get(id);
    if (!watched) return { trouble: null, upMs: 0, checks: { count: 0, tookMs: 0 } };
    const { trouble, checks } = watched.monitor;
    return { trouble, upMs: this.#clock.monotonicMs() - watched.sinceMs, checks };
  }

  /** Lets go of all; says nothing about it, since nothing changes for the instances. */
  close(): void {
    for (const { monitor } of this.#watched.values()) monitor.stop();
  }
}
