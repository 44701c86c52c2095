/**
 * What releases do to the database. Each act can be done again: the database itself keeps how far it came, in the
 * transaction of the act, and only one act is under way at a time. A database that is away or busy is waited for: the
 * release holds meanwhile, and says so. Who turns round does not wait for its answer: the act ends by itself.
 */
import { isPassing } from '../../core/database/passing.ts';
import type { ChangeRunner, Progress, Watch } from '../../core/database/runner.ts';
import type { Change } from '../../core/database/change.ts';
import { describeError, type ErrorCode, SegueError, toErrorRecord } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { holdersOf } from '../../core/release/contract.ts';
import type { Fact } from '../../core/release/journal.ts';
import type { ReleaseRecord } from '../../core/release/records.ts';
import { pauseOf } from '../../core/release/state.ts';
import type { BackfillStep, ChangeRef } from '../../core/release/step.ts';
import { formatDurationMs } from '../../core/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Ledger } from '../ledger.ts';
import { orAborted } from '../or-aborted.ts';
import { DatabaseTurns } from './database-turns.ts';
import { LatencyWatch, type LatencyParts } from './latency-watch.ts';
import { ProgressBook } from './progress-book.ts';
import { knownBy } from './memory.ts';
import type { SchemaDesk } from './schema-desk.ts';
import { standingOf } from './standing.ts';

export interface SchemaWorkParts {
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly desk: SchemaDesk;
  readonly latency: LatencyParts;
  /** Takes a release back. */
  readonly fail: (release: string, error: SegueError) => void;
}

/** For whom something is done; `release` null: nobody's release. */
export interface Asker {
  readonly release: string | null;
  readonly service: string | null;
  readonly signal: AbortSignal;
}

interface Backfill {
  readonly over: Promise<void>;
  readonly abort: AbortController;
}

export class SchemaWork {
  readonly #parts: SchemaWorkParts;
  readonly #turns = new DatabaseTurns();
  readonly #backfills = new Map<string, Backfill>();
  readonly #progress: ProgressBook;
  readonly #closing = new AbortController();

  constructor(parts: SchemaWorkParts) {
    this.#parts = parts;
    this.#progress = new ProgressBook(parts.ledger, parts.clock);
  }

  /** Of the backfills that run now. */
  get progress(): readonly Progress[] {
    return this.#progress.all;
  }

  async expand(change: ChangeRef, asker: Asker): Promise<string> {
    const { clock } = this.#parts;
    const startedMs = clock.monotonicMs();
    let steps = 0;
    const onStep: Watch['onStep'] = ({ state }) => (steps += state === 'done' ? 1 : 0);
    const expanded = this.#patiently(change.name, asker, (runner, folder) => {
      mustBeAsPlanned(change, folder);
      return runner.expand(folder, change.name, { ...this.#watchOf(change.name, asker), onStep });
    });
    await orAborted(expanded, asker.signal);
    const took = formatDurationMs(clock.monotonicMs() - startedMs);
    return steps === 0 ? 'was expanded' : `expanded in ${took}`;
  }

  /** Takes the contract back; what the new version wrote since is kept. */
  async restore({ name }: ChangeRef, asker: Asker): Promise<string> {
    let steps = 0;
    const onStep: Watch['onStep'] = ({ state }) => (steps += state === 'done' ? 1 : 0);
    const restored = this.#patiently(name, asker, (runner, folder) =>
      runner.restore(folder, name, { ...this.#watchOf(name, asker), onStep }),
    );
    await orAborted(restored, asker.signal);
    return steps === 0 ? 'was taken back' : 'taken back: older versions can run again';
  }

  /** Begins it beside what follows, unless it runs already. */
  begin({ changes }: BackfillStep, release: ReleaseRecord): void {
    if (this.#backfills.has(release.id)) return;
    const abort = new AbortController();
    const over = this.#backfill(changes, release, AbortSignal.any([abort.signal, this.#closing.signal]));
    this.#backfills.set(release.id, { over, abort });
    over.catch((error: unknown) => {
      const left = abort.signal.aborted || this.#closing.signal.aborted;
      if (!left && error instanceof SegueError) this.#parts.fail(release.id, error);
    });
  }

  /** Resolves when all rows are as the changes want them. */
  async filled(step: BackfillStep, release: ReleaseRecord, signal: AbortSignal): Promise<string> {
    const { clock } = this.#parts;
    const startedMs = clock.monotonicMs();
    this.begin(step, release);
    await orAborted(this.#backfills.get(release.id)?.over ?? Promise.resolve(), signal);
    this.#backfills.delete(release.id);
    return `all rows filled, waited for ${formatDurationMs(clock.monotonicMs() - startedMs)}`;
  }

  async #backfill(changes: readonly ChangeRef[], release: ReleaseRecord, signal: AbortSignal): Promise<void> {
    const { ledger, latency } = this.#parts;
    const asker = { release: release.id, service: release.service, signal };
    const watch = new LatencyWatch(latency);
    const isPaused = () => {
      const now = ledger.release(release.id);
      return now !== undefined && pauseOf(now.state) !== undefined;
    };
    for (const { name } of changes) {
      await this.#fill(name, asker, () => (isPaused() ? 0 : watch.speed()));
      this.#progress.end(name);
    }
  }

  /** Whatever else is asked of the database comes between two batches. */
  async #fill(name: string, asker: Asker, throttle: () => number): Promise<void> {
    let goesOn = false;
    const watch = this.#watchOf(name, asker);
    const batches = async (runner: ChangeRunner, folder: readonly Change[], standBack: AbortSignal) => {
      const signal = AbortSignal.any([asker.signal, standBack]);
      const told: Watch['onProgress'] = (progress) => {
        goesOn = true;
        watch.onProgress?.(progress);
      };
      try {
        await runner.backfill(folder, name, { ...watch, signal, onProgress: told, goesOn, throttle });
        return true;
      } catch (error) {
        if (standBack.aborted && toErrorRecord(error).code === 'BACKFILL_STOPPED') return false;
        throw error;
      }
    };
    while (!(await this.#patiently(name, asker, batches, true)));
  }

  /** The release goes back, or is over: what runs for it stops after its batch. Nobody waits for that (R4). */
  leave(release: string): void {
    this.#backfills.get(release)?.abort.abort(new Error('the release goes back'));
    this.#backfills.delete(release);
  }

  /**
   * Takes away what could not be made whole. Nobody uses it, so whatever keeps it from going is said and nothing
   * more: what serves is not touched by it.
   */
  async takeBack({ name }: ChangeRef, asker: Asker): Promise<string> {
    const { choice } = this.#parts.desk;
    if (choice === null) return 'there is no database any more';
    try {
      return await this.#turns.take({ yields: false, signal: asker.signal }, async () => {
        const seen = await this.#parts.desk.look(choice);
        const phase = seen?.states.find((state) => state.name === name)?.phase ?? 'new';
        if (phase === 'new' || phase === 'reverted') return 'nothing of it was there';
        if (phase === 'ready') return 'it is whole and stays';
        const others = this.#usedBeside(name, asker.release);
        if (others.length > 0) return `it stays: ${others.join('; ')}`;
        await this.#parts.desk.opened(choice, (runner, folder) =>
          runner.revert(folder, name, { dropData: false }, this.#watchOf(name, asker)),
        );
        await this.#parts.desk.look(choice);
        return 'taken back';
      });
    } catch (error) {
      asker.signal.throwIfAborted();
      return `left as it is; end it with "segue database revert ${name}". ${describeError(toErrorRecord(error))}`;
    }
  }

  /** Whoever else was made with it and runs, or is about to: to them it would go from under their feet (R6). */
  #usedBeside(change: string, release: string | null): string[] {
    const { ledger, desk } = this.#parts;
    const standing = standingOf(ledger, null, (service) => desk.uses(service));
    // Its companions go back with it, and have started nothing before it brought the change.
    const group = release === null ? [] : (ledger.release(release)?.group ?? []);
    const ours = new Set([release, ...group.map((member) => member.release)]);
    const others = { ...standing, releases: standing.releases.filter(({ id }) => !ours.has(id)) };
    return holdersOf(others, (service, version) => !knownBy(ledger, service, version).includes(change));
  }

  /** One try: whoever asks comes again. */
  async contract(name: string, now: boolean, signal: AbortSignal): Promise<void> {
    const { desk } = this.#parts;
    const { choice } = desk;
    if (choice === null) throw new SegueError('DATABASE_NOT_CONFIGURED');
    const asker = { release: null, service: null, signal };
    await this.#turns.take({ yields: false, signal }, () =>
      desk.opened(choice, (runner, folder) =>
        runner.contract(folder, name, { now }, this.#watchOf(name, asker)),
      ),
    );
  }

  async #patiently<T>(
    change: string,
    asker: Asker,
    work: (runner: ChangeRunner, folder: readonly Change[], standBack: AbortSignal) => Promise<T>,
    yields = false,
  ): Promise<T> {
    const { clock, desk, ledger } = this.#parts;
    const { retryMinMs, retryMaxMs } = limits.schema;
    let said: ErrorCode | null = null;
    for (let pauseMs: number = retryMinMs; ; pauseMs = Math.min(retryMaxMs, pauseMs * 2)) {
      asker.signal.throwIfAborted();
      // R7: one that was fenced out while it waited finds that out here, and does nothing more.
      await ledger.write(() => ({ facts: [], changes: [] }));
      const { choice } = desk;
      if (choice === null) throw new SegueError('DATABASE_NOT_CONFIGURED', `${change} needs one.`);
      try {
        const done = await this.#turns.take({ yields, signal: asker.signal }, (standBack) =>
          desk.opened(choice, (runner, folder) => work(runner, folder, standBack)),
        );
        await desk.look(choice).catch(() => undefined);
        return done;
      } catch (error) {
        asker.signal.throwIfAborted();
        const cause = toErrorRecord(error);
        if (!isPassing(cause)) throw error;
        if (said !== cause.code) await this.#say(asker, { kind: 'schema-waits', change, error: cause });
        said = cause.code;
        await clock.sleep(pauseMs, asker.signal);
      }
    }
  }

  #watchOf(change: string, { release, service, signal }: Asker): Watch {
    return {
      signal,
      onProgress: (progress) => this.#progress.take(progress, { release, service }),
      onWait: (blockers) => this.#progress.blocked(change, blockers, { release, service }),
    };
  }

  async #say({ release, service }: Omit<Asker, 'signal'>, fact: Fact): Promise<void> {
    await this.#parts.ledger.write(() => ({ facts: [fact], changes: [], release, service }));
  }

  close(): void {
    this.#closing.abort(new Error('control ends'));
  }
}

/** A change that was never run is run as the plan had it, or not at all. */
function mustBeAsPlanned({ name, digest }: ChangeRef, folder: readonly Change[]): void {
  const file = folder.find((each) => each.name === name);
  if (file && file.digest !== digest)
    throw new SegueError('CHANGE_EDITED', `${name} says something else than when the release was planned.`);
}
