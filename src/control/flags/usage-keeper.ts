/** What flags were asked and gave, by programs and at the edge, kept with the journal. */
import { type FlagUsage, UsageBook, type Usages } from '../../core/flags/usage.ts';
import { limits } from '../../core/limits.ts';
import type { TrafficReport } from '../../core/traffic/counts.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Change } from '../../ports/store.ts';
import type { PlaneEvent } from '../../ports/traffic-plane.ts';
import type { Ledger } from '../ledger.ts';
import { type EdgeMarks, EdgeUsage } from './edge-usage.ts';
import { put, remembered } from './remembered.ts';

const USAGE = 'flag-usage';
const EDGE_MARKS = 'flag-edge-marks';

export interface UsageKeeperParts {
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Of the flags that there are; usage of others is forgotten. */
  readonly keys: () => readonly string[];
  /** What else is to be written with it, if anything. */
  readonly beside: () => readonly Change[];
  readonly onFault: (error: unknown) => void;
}

export class UsageKeeper {
  readonly #parts: UsageKeeperParts;
  readonly #book: UsageBook;
  readonly #edge: EdgeUsage;
  #saving: NodeJS.Timeout | null = null;
  /** Not written down yet. */
  #beside: readonly Change[] = [];

  constructor(parts: UsageKeeperParts) {
    const { ledger, clock } = parts;
    this.#parts = parts;
    const isNew = ledger.setting(USAGE) === undefined;
    this.#book = new UsageBook(remembered<Usages>(ledger, USAGE, {}));
    this.#edge = new EdgeUsage(
      this.#book,
      clock,
      remembered<EdgeMarks | null>(ledger, EDGE_MARKS, isNew ? {} : null),
    );
  }

  start(): void {
    this.#saving = setInterval(() => this.#saveSoon(), limits.flags.usageIntervalMs);
  }

  of(flag: string): FlagUsage | null {
    return this.#book.of(flag);
  }

  count(flag: string, variant: string | null, by: string): void {
    this.#book.count(flag, variant, by, this.#parts.clock.nowMs());
  }

  takeReport(report: TrafficReport): void {
    this.#edge.take(report);
  }

  /** What only a gateway that is lost could tell again is written down before anything else can go wrong. */
  followPlane({ type }: PlaneEvent): void {
    if (type === 'lost') this.#saveSoon();
  }

  async close(): Promise<void> {
    if (this.#saving !== null) clearInterval(this.#saving);
    // The store may be another control's by now, and what is lost is a few seconds of counts.
    await this.#save().catch(() => undefined);
  }

  #saveSoon(): void {
    this.#save().catch((error: unknown) => this.#parts.onFault(error));
  }

  async #save(): Promise<void> {
    this.#beside = [...this.#beside, ...this.#parts.beside()];
    if (!this.#book.changed && this.#beside.length === 0) return;
    const beside = this.#beside;
    this.#book.changed = false;
    this.#beside = [];
    try {
      const usage = put(USAGE, this.#book.all(new Set(this.#parts.keys())));
      const changes = [usage, put(EDGE_MARKS, this.#edge.marks), ...beside];
      await this.#parts.ledger.write(() => ({ facts: [], changes }));
    } catch (error) {
      // The next time it is written down, if nothing newer is.
      this.#book.changed = true;
      this.#beside = [...beside, ...this.#beside];
      throw error;
    }
  }
}
