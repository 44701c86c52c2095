/** Those who wait for something to become true, looked at after every change. */
import { timer } from '../clock.ts';

export class Conditions {
  readonly #waiting = new Set<() => boolean>();

  /** Resolves when it holds, or when the time is over. */
  until(holds: () => boolean, withinMs = Infinity): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = () => {
        clearTimeout(late);
        this.#waiting.delete(look);
        resolve();
      };
      const late = withinMs === Infinity ? undefined : timer(settle, withinMs);
      const look = () => {
        const met = holds();
        if (met) settle();
        return met;
      };
      this.#waiting.add(look);
    });
  }

  changed(): void {
    for (const look of this.#waiting) look();
  }
}
