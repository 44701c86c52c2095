import type { ErrorRecord } from '../core/errors.ts';
import { limits } from '../core/limits.ts';

/** Why instances that were never ready ended: what their releases tell people. The newest are kept. */
export class FailureBook {
  readonly #failures = new Map<string, ErrorRecord>();

  keep(id: string, failure: ErrorRecord): void {
    this.forget(id);
    const [oldest] = this.#failures.keys();
    if (oldest !== undefined && this.#failures.size >= limits.runtime.failuresKeptMax) this.forget(oldest);
    this.#failures.set(id, failure);
  }

  find(id: string): ErrorRecord | undefined {
    return this.#failures.get(id);
  }

  forget(id: string): void {
    this.#failures.delete(id);
  }
}
