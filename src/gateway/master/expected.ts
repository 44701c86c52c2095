/** Workers of an earlier master that are to join this one. Who has ended meanwhile is waited for no longer. */
import { limits } from '../../core/limits.ts';
import type { MemberName } from '../../wire/worker-messages.ts';
import { monotonicMs, timer } from '../clock.ts';
import { isAlive } from './alive.ts';

export class Expected {
  readonly #waiting = new Map<string, { readonly pid: number; readonly untilMs: number }>();
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get nobody(): boolean {
    return this.#waiting.size === 0;
  }

  add(names: readonly MemberName[]): void {
    const untilMs = monotonicMs() + limits.gateway.rejoinMs;
    for (const { id, pid } of names) this.#waiting.set(id, { pid, untilMs });
    this.#look();
  }

  /** It is here, or gone for good. */
  settled(id: string): void {
    this.#waiting.delete(id);
  }

  #look(): void {
    const nowMs = monotonicMs();
    for (const [id, { pid, untilMs }] of this.#waiting)
      if (nowMs > untilMs || !isAlive(pid)) this.#waiting.delete(id);
    this.#onChange();
    if (!this.nobody) timer(() => this.#look(), limits.gateway.rejoinPauseMs);
  }
}
