/** Instances that should run and ended: said so, and started again after a pause that grows with each crash in a row. */
import type { ErrorRecord } from '../core/errors.ts';
import { restartDelayMs } from '../core/health/backoff.ts';
import { limits } from '../core/limits.ts';
import type { InstanceRecord } from '../core/release/records.ts';
import type { Clock } from '../ports/clock.ts';
import type { InstanceBook } from './instance-book.ts';
import { crashLoop } from './instance-failure.ts';
import type { Ledger } from './ledger.ts';

export interface CrashNotice {
  readonly id: string;
  readonly crashes: number;
  readonly error: ErrorRecord;
}

export interface CrashesParts {
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly book: InstanceBook;
  readonly lastLines: (id: string) => Promise<string[]>;
  readonly restart: (id: string) => void;
}

export class Crashes {
  readonly #parts: CrashesParts;
  readonly #waiting = new Map<string, AbortController>();
  readonly #listeners = new Set<(notice: CrashNotice) => void>();

  constructor(parts: CrashesParts) {
    this.#parts = parts;
  }

  onCrash(listener: (notice: CrashNotice) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async note(id: string, exit: string, livedMs: number): Promise<void> {
    const { ledger, book, lastLines } = this.#parts;
    const record = ledger.instance(id);
    if (!record || record.phase === 'stopping') return;
    const crashes = livedMs > limits.runtime.restartBackoffForgetMs ? 1 : record.crashes + 1;
    const restarts = (record.restarts ?? 0) + 1;
    const crashed = { ...record, phase: 'starting', mark: null, ready: false, crashes, restarts } as const;
    const lines = await lastLines(id);
    await book.put(crashed, {
      kind: 'instance-crashed',
      instance: id,
      exit,
      lastLines: lines,
      restartAfterMs: restartDelayMs(crashes),
    });
    this.restartLater(crashed);
    for (const listener of this.#listeners)
      listener({ id, crashes, error: crashLoop(id, exit, crashes, lines) });
  }

  restartLater({ id, crashes }: InstanceRecord): void {
    this.cancelRestart(id);
    const cancel = new AbortController();
    this.#waiting.set(id, cancel);
    const due = () => {
      this.#waiting.delete(id);
      this.#parts.restart(id);
    };
    // Only a cancel ends the sleep early, and then nothing is left to do.
    this.#parts.clock.sleep(restartDelayMs(crashes), cancel.signal).then(due, () => undefined);
  }

  cancelRestart(id: string): void {
    this.#waiting.get(id)?.abort();
    this.#waiting.delete(id);
  }

  close(): void {
    for (const id of this.#waiting.keys()) this.cancelRestart(id);
  }
}
