/** A rehearsal on its copy, from the first client of the old version to the last one of the new version. */
import { comingBack, endsOf, noWayBackOf } from '../../../../core/database/rehearsal/course.ts';
import { type Probe, probesOf } from '../../../../core/database/rehearsal/probes.ts';
import type { Crossed, Restored, Side, WayBack } from '../../../../core/database/rehearsal/report.ts';
import { newShape, oldShape } from '../../../../core/database/rehearsal/shape.ts';
import type { ChangeRunner } from '../../../../core/database/runner.ts';
import { quoteTable } from '../../../../core/database/identifier.ts';
import { SegueError } from '../../../../core/errors.ts';
import type { Clock } from '../../../../ports/clock.ts';
import type { RehearsalRequest } from '../../../../ports/database-rehearsal.ts';
import { failureOf } from '../failure.ts';
import { crossCheck, type CrossParts } from './cross-check.ts';
import { Load } from './load.ts';
import { NOT_TAKEN, takeBack } from './restoring.ts';
import { forward, type Plan, type Sessions, type StageBook } from './stage.ts';
import { readTables } from './tables.ts';
import { ValueSource } from './value-source.ts';
import { KeptTables, schemaApart } from './way-back.ts';

export interface RunParts {
  readonly url: string;
  readonly request: RehearsalRequest;
  readonly plan: Plan;
  readonly runner: ChangeRunner;
  readonly sessions: Sessions;
  readonly book: StageBook;
  readonly rules: ReadonlySet<string>;
  readonly clock: Clock;
  readonly chance: () => number;
  readonly note: (text: string) => void;
}

const NOT_REACHED: WayBack = { state: 'not-reached', refused: null, rows: 0, values: 0, lost: [] };

/** The new version, once there is what it needs. */
interface Young {
  readonly load: Load;
  readonly cross: CrossParts;
  readonly probes: readonly Probe[];
}

export class Run {
  readonly #parts: RunParts;
  readonly #old: Load;
  readonly #oldValues: ValueSource;
  #new: Young | null = null;
  crossed: Crossed = { checked: 0, apart: [] };
  back: WayBack = NOT_REACHED;
  restored: Restored | null = null;

  constructor(parts: RunParts) {
    this.#parts = parts;
    const { before, differences } = parts.plan;
    const shape = oldShape(before, differences);
    this.#oldValues = this.#valuesOf('old', shape);
    this.#old = this.#loadOf('old', this.#oldValues, shape);
  }

  async go(): Promise<void> {
    const { book, runner, request, plan } = this.#parts;
    const { changes, load } = request;
    const { rehearsed } = plan;
    this.#old.start({ rollBack: false });
    await book.during('before', () => book.stay(load.stayMs, this.#old));
    await book.during('expand', async () => {
      for (const { name } of rehearsed) await runner.expand(changes, name, book.watchRun());
    });
    await book.during('backfill', async () => {
      for (const { name } of rehearsed) await runner.backfill(changes, name, book.watchRun());
    });
    await book.during('both', () => this.#both());
    await this.#new?.load.stop();
    if (!book.broken) await this.#thereAndBack();
    await this.#old.stop();
    this.#mustBeConnected();
    if (request.contract) await this.#contract();
    await this.#new?.load.stop();
  }

  /** No statement is begun any more; those under way end with the copy. */
  letGo(): void {
    void this.#old.stop();
    void this.#new?.load.stop();
  }

  async #both(): Promise<void> {
    const { book, plan, request, sessions } = this.#parts;
    const tables = await readTables(sessions.looker);
    const shape = newShape(tables, plan.differences);
    const newValues = this.#valuesOf('new', shape);
    const load = this.#loadOf('new', newValues, shape);
    const clients = { old: sessions.old, new: sessions.new };
    const cross = { clients, values: { old: this.#oldValues, new: newValues } };
    const probes = probesOf(plan.differences, tables);
    this.#new = { load, cross, probes };
    load.start({ rollBack: false });
    const staying = book.stay(request.load.stayMs, load);
    const checking = crossCheck(probes, cross).then((crossed) => {
      this.crossed = crossed;
    });
    await Promise.all([staying, checking]);
    this.#mustBeConnected();
  }

  /**
   * From here to the comparison clients take back what they write: its locks are those of life, and every row stays
   * as it is, so that each one that differs afterwards was lost on the way.
   */
  async #thereAndBack(): Promise<void> {
    const { book, plan, runner, request, sessions, note } = this.#parts;
    const { rehearsed } = plan;
    await this.#old.stop();
    const none = rehearsed.map(noWayBackOf).find((each) => each !== null) ?? null;
    if (none !== null) {
      this.back = { ...NOT_REACHED, state: 'none' };
      note(`there is no way back: ${none}`);
      return;
    }
    // What is pending would be brought in step by the way back, and look like a value that was lost.
    await runner.status(request.changes);
    const kept = await KeptTables.of(sessions.looker, await this.#touched());
    this.#old.start({ rollBack: true });
    let refused: string | null = null;
    const gone = await book.during('revert', async () => {
      for (const { name } of rehearsed.toReversed()) refused = (await this.#revert(name)) ?? refused;
      await book.stay(request.load.stayMs / 2, this.#old);
    });
    await this.#old.stop();
    this.#mustBeConnected();
    if (!gone) return;
    const afterBack = await readTables(sessions.looker);
    await kept.lookAfterBack(afterBack);
    for (const line of schemaApart(plan.before, afterBack))
      note(`after the way back the schema differs: ${line}`);
    this.#old.start({ rollBack: true });
    const again = await book.during('again', () =>
      forward(runner, rehearsed, request.changes, book.watchRun()),
    );
    await this.#old.stop();
    await kept.lookAfterAgain(again ? await readTables(sessions.looker) : afterBack);
    this.back = { state: 'gone', refused, ...kept.lost };
  }

  /** What it says without `--drop-data`, where that is no. */
  async #revert(name: string): Promise<string | null> {
    const { runner, request, book } = this.#parts;
    const watch = book.watchRun();
    try {
      await runner.revert(request.changes, name, { dropData: false }, watch);
      return null;
    } catch (error) {
      if (!(error instanceof SegueError) || error.code !== 'CHANGE_LOSES_DATA') throw error;
      await runner.revert(request.changes, name, { dropData: true }, watch);
      return error.detail;
    }
  }

  async #contract(): Promise<void> {
    const { book, plan, runner, request } = this.#parts;
    const young = this.#new;
    const closed = comingBack(plan.rehearsed);
    const state = closed.length > 0 ? 'not-reached' : 'none';
    this.restored = { ...NOT_TAKEN, state, contracts: endsOf(plan.rehearsed) };
    if (book.broken || young === null) return;
    if (closed.length > 0) {
      const taken = await takeBack(closed, {
        ...{ ...this.#parts, ...young, old: this.#old, new: young.load },
        touched: () => this.#touched(),
      });
      this.#mustBeConnected();
      this.restored = { ...this.restored, ...taken };
    }
    if (book.broken) return;
    young.load.start({ rollBack: false });
    await book.during(closed.length > 0 ? 'finish' : 'contract', async () => {
      for (const { name } of plan.rehearsed)
        await runner.contract(request.changes, name, { now: true }, book.watchRun());
    });
    await book.during('after', () => book.stay(request.load.stayMs, young.load));
    await young.load.stop();
    this.#mustBeConnected();
  }

  /** Tables that the change speaks of, and those that it made otherwise. */
  async #touched() {
    const { plan, sessions } = this.#parts;
    const now = await readTables(sessions.looker);
    const named = new Set(plan.differences.tables.map(quoteTable));
    const before = new Map(
      plan.before.map((table) => [quoteTable(table.table), JSON.stringify(table.columns)]),
    );
    return now.filter((table) => {
      const name = quoteTable(table.table);
      return named.has(name) || before.get(name) !== JSON.stringify(table.columns);
    });
  }

  #valuesOf(side: Side, tables: Plan['before']): ValueSource {
    const { sessions, chance, plan } = this.#parts;
    const { brought } = plan.differences;
    return new ValueSource({
      client: side === 'old' ? sessions.oldValues : sessions.newValues,
      side,
      tables,
      brought,
      chance,
    });
  }

  #loadOf(side: Side, values: ValueSource, tables: Plan['before']): Load {
    const { url, request, plan, book, clock, rules } = this.#parts;
    return new Load({
      ...{ url, side, values, clock, rules, tally: book.tally, options: request.load },
      queries: plan.queriesOf(side, tables),
      stage: () => book.stage,
    });
  }

  #mustBeConnected(): void {
    const lost = this.#old.lost ?? this.#new?.load.lost ?? null;
    if (lost !== null) throw failureOf(lost, `a client of the rehearsal, in ${this.#parts.book.stage}`);
  }
}
