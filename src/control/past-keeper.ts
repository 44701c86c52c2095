/** Keeps the record of every service's stable version, for the releases to come. */
import type { Past } from '../core/judge/observed.ts';
import { PastBook } from '../core/judge/past-book.ts';
import { limits } from '../core/limits.ts';
import type { AssignedCounts } from '../core/traffic/counts.ts';
import type { Change } from '../ports/store.ts';
import type { Ledger } from './ledger.ts';

interface Kept {
  readonly book: PastBook;
  unwritten: boolean;
  writtenAtMs: number;
}

interface PastNews {
  readonly atMs: number;
  /** As in `News`. */
  readonly settled: boolean;
  /** Services with a release under way. */
  readonly released: ReadonlySet<string>;
}

export class PastKeeper {
  readonly #ledger: Ledger;
  readonly #kept = new Map<string, Kept>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Gives what has to be written down now. */
  take(
    rows: ReadonlyMap<string, readonly AssignedCounts[]>,
    { atMs, settled, released }: PastNews,
    monotonicMs: number,
  ): Change[] {
    const changes: Change[] = [];
    for (const [service, own] of rows) {
      const kept = this.#keptOf(service);
      const { stable } = this.#ledger.service(service);
      if (kept.book.take(own, stable, atMs, released.has(service), settled)) kept.unwritten = true;
      if (!kept.unwritten || monotonicMs - kept.writtenAtMs < limits.judge.pastIntervalMs) continue;
      kept.unwritten = false;
      kept.writtenAtMs = monotonicMs;
      changes.push({ put: 'past', record: kept.book.record() });
    }
    return changes;
  }

  pastOf(service: string): Past | null {
    return this.#keptOf(service).book.past;
  }

  #keptOf(service: string): Kept {
    let kept = this.#kept.get(service);
    if (!kept) {
      const book = new PastBook(service, this.#ledger.past(service));
      this.#kept.set(service, (kept = { book, unwritten: false, writtenAtMs: -Infinity }));
    }
    return kept;
  }
}
