/** What every part of a rehearsal on its copy needs. */
import type pg from 'pg';
import type { Change } from '../../../../core/database/change.ts';
import type { Differences } from '../../../../core/database/rehearsal/differences.ts';
import type { Query } from '../../../../core/database/rehearsal/queries.ts';
import type { BackfillSum, Rehearsal, Side, Stage } from '../../../../core/database/rehearsal/report.ts';
import type { CopyTable } from '../../../../core/database/rehearsal/table.ts';
import type { Tally } from '../../../../core/database/rehearsal/tally.ts';
import { SegueError } from '../../../../core/errors.ts';
import { describeBlocker } from '../blockers.ts';
import type { ChangeRunner, Progress, Watch } from '../../../../core/database/runner.ts';
import type { Clock } from '../../../../ports/clock.ts';
import type { RehearsalWatch } from '../../../../ports/database-rehearsal.ts';
import type { Load } from './load.ts';

export interface Sessions {
  readonly looker: pg.Client;
  readonly watch: pg.Client;
  readonly old: pg.Client;
  readonly new: pg.Client;
  readonly oldValues: pg.Client;
  readonly newValues: pg.Client;
}

export interface Plan {
  readonly rehearsed: readonly Change[];
  readonly differences: Differences;
  /** As they were before the change. */
  readonly before: readonly CopyTable[];
  queriesOf(side: Side, tables: readonly CopyTable[]): readonly Query[];
}

/** What the database refused is a finding; a connection or a disk that is gone ends the rehearsal. */
const FINDINGS: ReadonlySet<string> = new Set([
  'DATABASE_STATEMENT_FAILED',
  'DATABASE_LOCKED',
  'DATABASE_NO_KEY',
  'DATABASE_FORBIDDEN',
  'CHANGE_IMPOSSIBLE',
  'CHANGE_ORDER',
]);

export class StageBook {
  readonly tally: Tally;
  readonly backfills: BackfillSum[] = [];
  readonly #clock: Clock;
  readonly #watch: RehearsalWatch;
  readonly #sizes: ReadonlyMap<string, number>;
  #stage: Stage = 'before';
  #broken: Rehearsal['broken'] = null;
  #step: string | null = null;

  constructor(tally: Tally, clock: Clock, watch: RehearsalWatch, sizes: ReadonlyMap<string, number>) {
    this.tally = tally;
    this.#clock = clock;
    this.#watch = watch;
    this.#sizes = sizes;
  }

  get stage(): Stage {
    return this.#stage;
  }

  /** What the change is at; null: between two steps, or in a backfill. */
  get step(): string | null {
    return this.#step;
  }

  get broken(): Rehearsal['broken'] {
    return this.#broken;
  }

  /** Whether the change went through; what it failed by is kept. */
  async during(stage: Stage, work: () => Promise<void>): Promise<boolean> {
    if (this.#broken) return false;
    this.#stage = stage;
    this.#watch.onStage?.(stage);
    this.tally.begin(stage, this.#clock.monotonicMs());
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof SegueError) || !FINDINGS.has(error.code)) throw error;
      this.#broken = { stage, code: error.code, detail: error.detail };
      return false;
    } finally {
      this.tally.end(this.#clock.monotonicMs());
    }
  }

  async stay(durationMs: number, load: Load | null): Promise<void> {
    await this.#clock.sleep(durationMs, this.#watch.signal);
    await load?.everyTurn(this.#watch.signal);
  }

  /** For the runner: steps, waits and the speed of backfills. */
  watchRun(): Watch {
    return {
      signal: this.#watch.signal,
      onStep: (event) => {
        if (event.state === 'done') this.tally.step(event.title, event.tookMs);
        this.#step = event.state === 'begun' ? event.title : null;
      },
      onWait: (blockers) => {
        for (const blocker of blockers) this.tally.stoodBehind(describeBlocker(blocker));
      },
      onProgress: (progress) => {
        if (progress.state === 'done' && this.#stage === 'backfill') this.#filled(progress);
      },
    };
  }

  #filled({ change, table, rows, rowsPerSecond }: Progress): void {
    const realRows = this.#sizes.get(table) ?? null;
    const realMs = realRows === null || rowsPerSecond <= 0 ? null : (realRows / rowsPerSecond) * 1_000;
    this.backfills.push({ change, table, rows, rowsPerSecond, realRows, realMs });
  }
}

export async function forward(
  runner: ChangeRunner,
  changes: readonly Change[],
  all: readonly Change[],
  watch: Watch,
): Promise<void> {
  for (const { name } of changes) await runner.expand(all, name, watch);
  for (const { name } of changes) await runner.backfill(all, name, watch);
}
