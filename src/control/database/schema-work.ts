/**
 * What releases do to the database. Each act can be done again: the database itself keeps how far it came, in the
 * transaction of the act, and only one act is under way at a time. A database that is away or busy is waited for: the
 * release holds meanwhile, and says so.
 */
import type { ChangeRunner, Progress, Watch } from '../../core/database/runner.ts';
import type { Change } from '../../core/database/change.ts';
import { describeError, type ErrorCode, SegueError, toErrorRecord } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Fact } from '../../core/release/journal.ts';
import type { ReleaseRecord } from '../../core/release/records.ts';
import { pauseOf } from '../../core/release/state.ts';
import type { BackfillStep, ChangeRef } from '../../core/release/step.ts';
import { Turns } from '../../core/turns.ts';
import { formatDurationMs } from '../../core/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Ledger } from '../ledger.ts';
import { LatencyWatch, type LatencyParts } from './latency-watch.ts';
import { ProgressBook } from './progress-book.ts';
import type { SchemaDesk } from './schema-desk.ts';

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

/** It passes by itself, or by a person who makes room: nothing is wrong with the change. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'DATABASE_UNREACHABLE',
  'DATABASE_BUSY',
  'DATABASE_LOCKED',
  'DATABASE_FULL',
] as const);

const DATABASE = 'database';

export class SchemaWork {
  readonly #parts: SchemaWorkParts;
  readonly #turns = new Turns();
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
    await this.#patiently(change.name, asker, (runner, folder) => {
      mustBeAsPlanned(change, folder);
      const onStep: Watch['onStep'] = ({ state }) => (steps += state === 'done' ? 1 : 0);
      return runner.expand(folder, change.name, { ...this.#watchOf(change.name, asker), onStep });
    });
    const took = formatDurationMs(clock.monotonicMs() - startedMs);
    return steps === 0 ? 'was expanded' : `expanded in ${took}`;
  }

  /** Takes the contract back; what the new version wrote since is kept. */
  async restore({ name }: ChangeRef, asker: Asker): Promise<string> {
    let steps = 0;
    const onStep: Watch['onStep'] = ({ state }) => (steps += state === 'done' ? 1 : 0);
    await this.#patiently(name, asker, (runner, folder) =>
      runner.restore(folder, name, { ...this.#watchOf(name, asker), onStep }),
    );
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
    const { over } = this.#backfills.get(release.id) ?? { over: Promise.resolve() };
    const filled = new AbortController();
    const given = clock.sleep(Infinity, AbortSignal.any([signal, filled.signal]));
    try {
      await Promise.race([over, given]);
    } finally {
      filled.abort();
    }
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
      await this.#patiently(name, asker, (runner, folder) =>
        runner.backfill(folder, name, {
          ...this.#watchOf(name, asker),
          throttle: () => (isPaused() ? 0 : watch.speed()),
        }),
      );
      this.#progress.end(name);
    }
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
      return await this.#turns.take(DATABASE, async () => {
        const seen = await this.#parts.desk.look(choice);
        const phase = seen?.states.find((state) => state.name === name)?.phase ?? 'new';
        if (phase === 'new' || phase === 'reverted') return 'nothing of it was there';
        if (phase === 'ready') return 'it is whole and stays';
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

  /** One try: whoever asks comes again. */
  async contract(name: string, now: boolean, signal: AbortSignal): Promise<void> {
    const { desk } = this.#parts;
    const { choice } = desk;
    if (choice === null) throw new SegueError('DATABASE_NOT_CONFIGURED');
    const asker = { release: null, service: null, signal };
    await this.#turns.take(DATABASE, async () => {
      await desk.opened(choice, (runner, folder) =>
        runner.contract(folder, name, { now }, this.#watchOf(name, asker)),
      );
      await desk.look(choice);
    });
  }

  async #patiently(
    change: string,
    asker: Asker,
    work: (runner: ChangeRunner, folder: readonly Change[]) => Promise<void>,
  ): Promise<void> {
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
        await this.#turns.take(DATABASE, () => desk.opened(choice, work));
        await desk.look(choice).catch(() => undefined);
        return;
      } catch (error) {
        asker.signal.throwIfAborted();
        const cause = toErrorRecord(error);
        if (!PASSING.has(cause.code)) throw error;
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
