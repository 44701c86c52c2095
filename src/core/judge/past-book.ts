/**
 * Stable's own record, for thresholds of latency and for what it did before: windows of equal length, short while
 * there is little of it, and longer as it grows. What comes in while a release runs is put aside until it has ended,
 * so that what a candidate is held against does not move meanwhile.
 */
import { limits } from '../limits.ts';
import type { AssignedCounts } from '../traffic/counts.ts';
import { addPairs } from '../traffic/histogram.ts';
import { grownSince, type Marks, marksOf } from './grown.ts';
import type { Past, PastWindow, Side } from './observed.ts';

export interface TimedWindow extends PastWindow {
  /** Wall clock. */
  readonly fromMs: number;
}

export interface PastRecord {
  readonly service: string;
  /** The rows of the gateway's workers as they were counted in last. */
  readonly seen: readonly AssignedCounts[];
  readonly windowMs: number;
  readonly windows: readonly TimedWindow[];
  /** Since the release under way began. */
  readonly aside: readonly TimedWindow[];
}

export class PastBook {
  readonly #service: string;
  readonly #seen: Marks;
  #windowMs: number;
  #windows: readonly TimedWindow[];
  #aside: readonly TimedWindow[];

  constructor(service: string, record: PastRecord | undefined) {
    this.#service = service;
    this.#seen = marksOf(record?.seen ?? []);
    this.#windowMs = record?.windowMs ?? limits.judge.pastWindowFirstMs;
    this.#windows = record?.windows ?? [];
    this.#aside = record?.aside ?? [];
  }

  /** `released`: a release is under way. `settled`: as in `News`. True when something of it counts. */
  take(
    rows: readonly AssignedCounts[],
    stable: string | null,
    atMs: number,
    released: boolean,
    settled = false,
  ): boolean {
    if (!released && this.#aside.length > 0) {
      for (const window of this.#aside) this.#windows = this.#put(this.#windows, window);
      this.#aside = [];
    }
    let counted = false;
    for (const { row, before } of this.#seen.take(rows, settled)) {
      if (row.version !== stable || row.group === 'candidate') continue;
      const grown = grownSince(before, row);
      if (grown.requests === 0) continue;
      const window = { fromMs: atMs, ...withoutDecisions(grown) };
      if (released) this.#aside = this.#put(this.#aside, window);
      else this.#windows = this.#put(this.#windows, window);
      counted = true;
    }
    return counted;
  }

  /** Null: nothing is known. Windows with too few requests to speak for themselves speak together. */
  get past(): Past | null {
    const windows: PastWindow[] = [];
    for (const window of this.#windows) {
      const last = windows.at(-1);
      if (last && last.requests < limits.judge.pastRequestsMin)
        windows[windows.length - 1] = sum(last, window);
      else windows.push(window);
    }
    const [last, before] = [windows.at(-1), windows.at(-2)];
    if (last && before && last.requests < limits.judge.pastRequestsMin)
      windows.splice(-2, 2, sum(before, last));
    return windows.length > 0 ? { windows } : null;
  }

  record(): PastRecord {
    return {
      service: this.#service,
      seen: this.#seen.values(),
      windowMs: this.#windowMs,
      windows: this.#windows,
      aside: this.#aside,
    };
  }

  /** A clock that was set back adds to the newest window. */
  #put(windows: readonly TimedWindow[], grown: TimedWindow): readonly TimedWindow[] {
    const fromMs = Math.floor(grown.fromMs / this.#windowMs) * this.#windowMs;
    const last = windows.at(-1);
    if (last && fromMs <= last.fromMs)
      return [...windows.slice(0, -1), { ...sum(last, grown), fromMs: last.fromMs }];
    const all = [...windows, { ...grown, fromMs }];
    return all.length > limits.judge.pastWindowsMax ? this.#shorter(all) : all;
  }

  /** Half as many that are twice as long; once they are long enough, the eldest goes. */
  #shorter(windows: readonly TimedWindow[]): readonly TimedWindow[] {
    if (this.#windowMs >= limits.judge.pastWindowMaxMs) return windows.slice(1);
    this.#windowMs *= 2;
    let halved: readonly TimedWindow[] = [];
    for (const window of windows) halved = this.#put(halved, window);
    return halved;
  }
}

const withoutDecisions = ({ requests, errors, latency }: Side): PastWindow => ({ requests, errors, latency });

function sum<W extends PastWindow>(a: W, b: PastWindow): W {
  return {
    ...a,
    requests: a.requests + b.requests,
    errors: a.errors + b.errors,
    latency: addPairs(a.latency, b.latency),
  };
}
