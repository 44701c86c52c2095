/** How far backfills are: all of it for whoever asks now, a part of it for the journal, so that it stays readable. */
import type { Blocker, Progress } from '../../core/database/runner.ts';
import { limits } from '../../core/limits.ts';
import type { Fact } from '../../core/release/journal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Ledger } from '../ledger.ts';

interface About {
  readonly release: string | null;
  readonly service: string | null;
}

interface Written {
  readonly part: number;
  readonly atMs: number;
}

export class ProgressBook {
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #now = new Map<string, Progress>();
  readonly #written = new Map<string, Written>();
  readonly #blocked = new Map<string, string>();

  constructor(ledger: Ledger, clock: Clock) {
    this.#ledger = ledger;
    this.#clock = clock;
  }

  get all(): readonly Progress[] {
    return [...this.#now.values()];
  }

  take(progress: Progress, about: About): void {
    const { change, job, rows, total, state } = progress;
    this.#now.set(change, progress);
    const key = `${change} ${job}`;
    const nowMs = this.#clock.monotonicMs();
    const part = Math.floor((rows / Math.max(1, total)) * limits.schema.progressParts);
    const before = this.#written.get(key) ?? { part: 0, atMs: nowMs - limits.schema.progressIntervalMs };
    if (part <= before.part || nowMs - before.atMs < limits.schema.progressIntervalMs) return;
    if (state === 'done') return;
    this.#written.set(key, { part, atMs: nowMs });
    const { table, rowsPerSecond, leftMs } = progress;
    this.#write({ kind: 'backfill-progress', change, table, rows, total, rowsPerSecond, leftMs }, about);
  }

  /** Each holder of a lock once. */
  blocked(change: string, blockers: readonly Blocker[], about: About): void {
    const by = blockers.map(
      ({ pid, user, application }) => `${application || 'a program'} (${user}, pid ${pid})`,
    );
    const text = by.join(', ');
    if (text === '' || this.#blocked.get(change) === text) return;
    this.#blocked.set(change, text);
    this.#write({ kind: 'schema-blocked', change, by }, about);
  }

  end(change: string): void {
    this.#now.delete(change);
    this.#blocked.delete(change);
    for (const key of this.#written.keys()) if (key.startsWith(`${change} `)) this.#written.delete(key);
  }

  /** Nothing depends on it: a write that fails is found by the next one that matters. */
  #write(fact: Fact, { release, service }: About): void {
    this.#ledger.write(() => ({ facts: [fact], changes: [], release, service })).catch(() => undefined);
  }
}
