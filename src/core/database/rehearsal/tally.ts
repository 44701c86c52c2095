/** Counts what the clients of a rehearsal met, stage by stage and statement by statement. */
import type { Query } from './queries.ts';
import type { Failure, Side, Stage, StageSum, StatementSum, Wait } from './report.ts';

/** One look at a statement that stands behind a lock. */
export interface Seen {
  /** The same while it is the same wait. */
  readonly id: string;
  readonly statement: string;
  readonly side: Side | null;
  readonly mode: string;
  readonly on: string;
  readonly behind: string;
  readonly byChange: boolean;
  readonly waitedMs: number;
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
}

interface Counts {
  runs: number;
  failed: number;
  longestMs: number;
  readonly failures: Map<string, { -readonly [Key in keyof Failure]: Failure[Key] }>;
  unfit: string | null;
}

interface OpenStage {
  readonly stage: Stage;
  readonly beganAtMs: number;
  statements: number;
  failed: number;
  longestMs: number;
  readonly seen: Map<string, Seen>;
  readonly steps: { title: string; tookMs: number }[];
  readonly stoodBehind: Set<string>;
}

export class Tally {
  readonly #counts = new Map<Query, Counts>();
  readonly #stages: StageSum[] = [];
  #open: OpenStage | null = null;
  #last: Stage = 'before';

  begin(stage: Stage, nowMs: number): void {
    this.end(nowMs);
    this.#last = stage;
    this.#open = {
      ...{ stage, beganAtMs: nowMs, statements: 0, failed: 0, longestMs: 0 },
      ...{ seen: new Map(), steps: [], stoodBehind: new Set() },
    };
  }

  end(nowMs: number): void {
    if (!this.#open) return;
    const { stage, beganAtMs, statements, failed, longestMs, seen, steps, stoodBehind } = this.#open;
    this.#stages.push({
      ...{ stage, tookMs: nowMs - beganAtMs, statements, failed, longestMs, steps },
      waits: waitsOf([...seen.values()]),
      stoodBehind: [...stoodBehind],
    });
    this.#open = null;
  }

  /** A query that never ran is in the list of statements as well. */
  known(query: Query): void {
    this.#of(query);
  }

  ran(query: Query, tookMs: number, refusal: Refusal | null): void {
    const counts = this.#of(query);
    const stage = this.#open;
    counts.runs += 1;
    counts.longestMs = Math.max(counts.longestMs, tookMs);
    if (stage) {
      stage.statements += 1;
      stage.longestMs = Math.max(stage.longestMs, tookMs);
    }
    if (!refusal) return;
    counts.failed += 1;
    if (stage) stage.failed += 1;
    const { code, message } = refusal;
    const name = this.#last;
    const known = counts.failures.get(`${name} ${code}`);
    if (known) known.times += 1;
    else counts.failures.set(`${name} ${code}`, { stage: name, code, message, times: 1 });
  }

  /** It says nothing about the change; what it did so far does not count. */
  leaveOut(query: Query, why: string): void {
    const counts = this.#of(query);
    if (counts.unfit !== null) return;
    counts.unfit = why;
    if (this.#open) this.#open.failed = Math.max(0, this.#open.failed - counts.failed);
  }

  isOut(query: Query): boolean {
    return this.#of(query).unfit !== null;
  }

  saw(seen: Seen): void {
    const known = this.#open?.seen.get(seen.id);
    if (!known || known.waitedMs < seen.waitedMs) this.#open?.seen.set(seen.id, seen);
  }

  step(title: string, tookMs: number): void {
    this.#open?.steps.push({ title, tookMs });
  }

  stoodBehind(who: string): void {
    this.#open?.stoodBehind.add(who);
  }

  get stages(): readonly StageSum[] {
    return this.#stages;
  }

  get statements(): readonly StatementSum[] {
    return [...this.#counts].map(([{ side, sql, origin }, { failures, ...counts }]) => ({
      ...{ side, sql, origin, ...counts },
      failures: [...failures.values()],
    }));
  }

  #of(query: Query): Counts {
    const known = this.#counts.get(query);
    if (known) return known;
    const made: Counts = { runs: 0, failed: 0, longestMs: 0, failures: new Map(), unfit: null };
    this.#counts.set(query, made);
    return made;
  }
}

/** Those that are alike as one, the longest first. */
function waitsOf(seen: readonly Seen[]): Wait[] {
  const sums = new Map<string, Wait>();
  for (const { statement, side, mode, on, behind, byChange, waitedMs } of seen) {
    const key = JSON.stringify([statement, side, mode, on, behind]);
    const known = sums.get(key);
    const times = (known?.times ?? 0) + 1;
    const longestMs = Math.max(known?.longestMs ?? 0, waitedMs);
    sums.set(key, { statement, side, mode, on, behind, byChange, times, longestMs });
  }
  return [...sums.values()].toSorted((a, b) => b.longestMs - a.longestMs);
}
