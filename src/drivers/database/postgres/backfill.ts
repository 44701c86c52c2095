/**
 * Brings rows up to date in batches. How far it came is written in the transaction of the batch, so that no kill
 * loses or repeats one. At the end the whole table is asked whether a row is left, and gone through again if so.
 */
import {
  type Ahead,
  type Cursor,
  endOfBatch,
  endOfFullBatch,
  lastKey,
  withinBatch,
} from '../../../core/database/key-range.ts';
import { FIRST_PACE, isShort, nextPace, type Pace } from '../../../core/database/pace.ts';
import type { KeyColumn } from '../../../core/database/facts.ts';
import { quoteName, quoteTable, showTable, type TableName } from '../../../core/database/identifier.ts';
import type { Progress } from '../../../core/database/runner.ts';
import type { CopyJob, Job, UpdateJob } from '../../../core/database/step.ts';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import { NOT_LAZY, type Session } from './connection.ts';
import { failureOf, isLocked, isLost } from './failure.ts';
import { keepingJob, keptJobs, lockingJob, type KeptJob, makeJob, orderJobs } from './journal.ts';
import { Observer } from './observer.ts';
import type { RunContext } from './run-context.ts';
import { searchPathOf } from './steps.ts';

const {
  batchTriesMax,
  batchLockTimeoutMs,
  batchBlocksMax,
  passesMax,
  shortBatchesMax,
  observeIntervalMs,
  reconnectsMax,
  reconnectPauseMs,
} = limits.database;

interface Batch {
  readonly cursor: Cursor;
  /** Rows gone through, and rows changed. */
  readonly rows: number;
  readonly changed: number;
  /** Nothing comes after it. */
  readonly last: boolean;
  /** What goes to the server with its end. */
  readonly closing: readonly string[];
}

type Copied = Pick<Batch, 'changed' | 'closing'>;

/** Of a statement that takes so many rows and no more: one that takes far fewer found no others. */
const LIMITED = /\blimit\s+:rows\b/i;

type EndOfBatch = Readonly<Record<string, string | number>>;

/** A batch that is looked for before it is known that it is the next one: it is, unless something came between. */
interface Guess {
  readonly cursor: Cursor;
  readonly rows: number;
}

type Outcome = 'more' | 'done' | 'paused' | 'cancelled';

export async function runJob(context: RunContext, job: Job): Promise<void> {
  const kept = (await keptJobs(context.connections, context.change)).find((each) => each.job === job.id);
  await new JobRun(context, job, kept?.rows ?? 0).run();
}

/** What was asked of an earlier run does not hold for this one. */
export async function beginJobs({ connections, change }: RunContext): Promise<void> {
  await orderJobs(connections, change, 'resume');
}

/** Of a batch; the first of them finds out little more than where it ends, so it is the measure for the others. */
const WAYS = 3;
/** Of the newest one beside those before it. */
const WAY_WEIGHT = 0.2;

class JobRun {
  readonly #context: RunContext;
  readonly #job: Job;
  readonly #observer: Observer;
  #pace: Pace = FIRST_PACE;
  /** As an earlier run left it, until a batch says: one that stands still at first is not at the beginning. */
  #rows: number;
  #rowsAtStart: number;
  #shortBatches = 0;
  /** As the last batch left it: how far it came, and the key at which all ends. */
  #cursor: Cursor = null;
  /** One way to the server and back, of late. */
  #wayMs = 0;
  readonly #startedAtMs: number;

  constructor(context: RunContext, job: Job, rows: number) {
    this.#context = context;
    this.#job = job;
    this.#rows = rows;
    this.#rowsAtStart = rows;
    this.#startedAtMs = context.clock.monotonicMs();
    this.#observer = new Observer(context, job.type === 'repeat' ? null : job.table);
  }

  async run(): Promise<void> {
    const { watch, change, clock } = this.#context;
    if (this.#job.type === 'update' && this.#job.key === null) await this.#mustBeSafeByBlocks();
    let failures = 0;
    for (;;) {
      if (watch.signal?.aborted)
        throw new SegueError('BACKFILL_STOPPED', `${change} is at row ${this.#rows}.`);
      const speed = watch.throttle?.() ?? 1;
      if (speed <= 0) {
        this.#tell('throttled');
        await clock.sleep(observeIntervalMs);
        continue;
      }
      const startedAtMs = clock.monotonicMs();
      const outcome = await this.#tryBatch(() => (failures += 1));
      if (outcome === 'cancelled') throw new SegueError('BACKFILL_STOPPED', `${change} was cancelled.`);
      if (outcome === 'done') break;
      if (outcome === 'paused') {
        this.#tell('paused');
        await clock.sleep(observeIntervalMs);
        continue;
      }
      if (outcome === 'more') failures = 0;
      const tookMs = clock.monotonicMs() - startedAtMs;
      const seen = await this.#observer.look();
      const waysMs = this.#wayMs * WAYS;
      this.#pace = nextPace(this.#pace, { ...seen, tookMs, waysMs, locked: outcome === 'locked', speed });
      this.#tell(this.#pace.pauseMs > 0 ? 'slowed' : 'running');
      await this.#pause(this.#pace.pauseMs * (0.75 + this.#context.chance() / 2));
    }
    this.#tell('done');
  }

  /** Others may need the database meanwhile: whoever stops it does not wait for the end of a long one. */
  async #pause(pauseMs: number): Promise<void> {
    const { watch, clock } = this.#context;
    for (let leftMs = pauseMs; leftMs > 0 && !watch.signal?.aborted; leftMs -= observeIntervalMs)
      await clock.sleep(Math.min(leftMs, observeIntervalMs));
  }

  async #tryBatch(failed: () => number): Promise<Outcome | 'locked'> {
    const { change, clock } = this.#context;
    try {
      return await this.#batch();
    } catch (error) {
      const failures = failed();
      this.#shortBatches = 0;
      const doing = `${change}, backfill after row ${this.#rows}`;
      if (isLocked(error) && failures < batchTriesMax) return 'locked';
      if (!isLost(error) || failures > reconnectsMax) throw failureOf(error, doing);
      await clock.sleep(reconnectPauseMs);
      return 'locked';
    }
  }

  /** Three ways to the server and back: what the batch is, its rows, and how far it came. */
  async #batch(): Promise<Outcome> {
    const { connections, lease, change, clock, lockTimeoutMs } = this.#context;
    const job = this.#job;
    const settings = {
      lockTimeoutMs: Math.min(lockTimeoutMs, batchLockTimeoutMs),
      // What a crash takes back it takes back together: the rows and how far it came. The end has to last.
      lazy: true,
      ...(job.type === 'repeat' ? {} : { searchPath: searchPathOf(job.table), backfill: job.fills }),
    };
    const guess = { cursor: this.#cursor, rows: this.#pace.batchRows };
    const opening = [lease.checking, lockingJob(change, job.id), ...this.#looking(guess)];
    const sentMs = clock.monotonicMs();
    return connections.shortTransaction(settings, opening, async (session, opened) => {
      this.#wayMs += (clock.monotonicMs() - sentMs - this.#wayMs) * WAY_WEIGHT;
      lease.mustHold(opened(0));
      const kept = opened<KeptJob>(1).rows[0] ?? (await makeJob(session, change, job.id));
      this.#rows = kept.rows;
      if (kept.done) return { result: 'done', closing: [] };
      if (kept.wanted !== 'resume')
        return { result: kept.wanted === 'pause' ? 'paused' : 'cancelled', closing: [] };
      const isRight = JSON.stringify(kept.cursor) === JSON.stringify(guess.cursor);
      const batch = await this.#work(session, kept, isRight ? opened<EndOfBatch>(2).rows[0] : undefined);
      const rows = kept.rows + batch.rows;
      const over = batch.last && !(await this.#isLeft(session));
      if (batch.last && !over && kept.pass >= passesMax) throw this.#endless();
      const pass = batch.last && !over ? kept.pass + 1 : kept.pass;
      const cursor = batch.last ? null : batch.cursor;
      this.#rows = rows;
      this.#cursor = cursor;
      const keeping = keepingJob(change, job.id, { cursor, pass, rows, changed: batch.changed, done: over });
      const closing = [...batch.closing, keeping, ...(over ? [NOT_LAZY] : [])];
      return { result: over ? 'done' : 'more', closing };
    });
  }

  #looking({ cursor, rows }: Guess): string[] {
    const job = this.#job;
    if (job.type === 'repeat' || job.key === null || cursor === null) return [];
    const { length } = job.key;
    const range = { after: cursor.slice(0, length), end: cursor.slice(length) };
    return [endOfFullBatch(job.table, job.key, rows, range)];
  }

  async #work(session: Session, kept: KeptJob, guessed: EndOfBatch | undefined): Promise<Batch> {
    const job = this.#job;
    if (job.type === 'repeat') {
      const asked = this.#pace.batchRows;
      const { changed } = await session.query(job.statement.replace(/:rows\b/g, String(asked)));
      // It has caught up: what it finds now was written meanwhile, and while the old version writes that never ends.
      const isAtEnd = LIMITED.test(job.statement) && isShort(changed, asked);
      this.#shortBatches = isAtEnd ? this.#shortBatches + 1 : 0;
      const last = changed === 0 || this.#shortBatches >= shortBatchesMax;
      return { cursor: null, rows: changed, changed, last, closing: [] };
    }
    if (job.type === 'update' && job.key === null) return this.#blocks(session, kept, job);
    const key = job.key ?? [];
    const textOf = (found: EndOfBatch) => key.map((_, index) => String(found[`segue_k${index}`]));
    const after = kept.cursor?.slice(0, key.length) ?? null;
    // What is inserted from here on is right from the start: to go after it could take forever.
    const last = async () => (await session.query<EndOfBatch>(lastKey(job.table, key))).rows.flatMap(textOf);
    const known = kept.cursor?.slice(key.length) ?? [];
    const end = known.length > 0 ? known : await last();
    const nothing = { cursor: kept.cursor, rows: 0, changed: 0, last: true, closing: [] };
    if (end.length === 0) return nothing;
    const found = guessed ?? (await this.#endOfBatch(session, job.table, key, { after, end }));
    if (!found) return nothing;
    const until = textOf(found);
    const within = withinBatch(key, after, until);
    const rows = Number(found['rows']);
    const done =
      job.type === 'copy'
        ? await copyRows(session, job, within, rows)
        : { changed: (await session.query(updateOf(job, within))).changed, closing: [] };
    return { cursor: [...until, ...end], rows, last: false, ...done };
  }

  async #endOfBatch(
    session: Session,
    table: TableName,
    key: readonly KeyColumn[],
    range: Ahead,
  ): Promise<EndOfBatch | undefined> {
    for (const query of [endOfFullBatch, endOfBatch]) {
      const [found] = (await session.query<EndOfBatch>(query(table, key, this.#pace.batchRows, range))).rows;
      if (found) return found;
    }
    return undefined;
  }

  /** By the place of the rows. One that is moved behind the cursor meanwhile is found by the pass that follows. */
  async #blocks(session: Session, kept: KeptJob, job: UpdateJob): Promise<Batch> {
    const { rows } = await session.query<{ blocks: number; pages: number }>(
      `SELECT (pg_relation_size(to_regclass($1)) / current_setting('block_size')::int)::float8 AS blocks, greatest(reltuples / greatest(relpages, 1), 1)::float8 AS pages FROM pg_class WHERE oid = to_regclass($1)`,
      [quoteTable(job.table)],
    );
    const { blocks, pages: rowsPerBlock } = rows[0] ?? { blocks: 0, pages: 1 };
    const from = Number(kept.cursor?.[0] ?? 0);
    const many = Math.min(batchBlocksMax, Math.max(1, Math.round(this.#pace.batchRows / rowsPerBlock)));
    const to = Math.min(blocks, from + many);
    const { changed } = await session.query(updateOf(job, `ctid >= '(${from},0)' AND ctid < '(${to},0)'`));
    return {
      cursor: [String(to)],
      rows: Math.round((to - from) * rowsPerBlock),
      changed,
      last: to >= blocks,
      closing: [],
    };
  }

  async #isLeft(session: Session): Promise<boolean> {
    const job = this.#job;
    if (job.type !== 'update') return false;
    const { rows } = await session.query<{ left: boolean }>(
      `SELECT EXISTS (SELECT FROM ${quoteTable(job.table)} WHERE ${job.needs}) AS left`,
    );
    return rows[0]?.left ?? false;
  }

  #endless(): SegueError {
    return new SegueError(
      'DATABASE_STATEMENT_FAILED',
      `${this.#context.change}: after ${passesMax} passes there are rows that its "up" leaves as they are.`,
    );
  }

  /** A row's place says nothing where there are several tables, and older servers would read all for each batch. */
  async #mustBeSafeByBlocks(): Promise<void> {
    const job = this.#job;
    if (job.type !== 'update') return;
    const { rows } = await this.#context.connections.query<{ version: number }>(
      `SELECT current_setting('server_version_num')::int AS version`,
    );
    if (job.partitioned || (rows[0]?.version ?? 0) < 140_000)
      throw new SegueError('DATABASE_NO_KEY', `${showTable(job.table)} has none.`);
  }

  #tell(state: Progress['state']): void {
    const { watch, change, clock } = this.#context;
    const tookMs = clock.monotonicMs() - this.#startedAtMs;
    const rate = tookMs > 0 ? ((this.#rows - this.#rowsAtStart) / tookMs) * 1_000 : 0;
    const job = this.#job;
    // How many there are was an estimate, until it was gone through.
    const expected = job.type === 'repeat' || state === 'done' ? 0 : job.rows;
    const total = Math.max(this.#rows, expected);
    watch.onProgress?.({
      ...{ change, job: job.id, state, rows: this.#rows, total, rowsPerSecond: rate },
      pauseMs: Math.round(this.#pace.pauseMs),
      table: job.type === 'repeat' ? '' : showTable(job.table),
      leftMs: rate > 0 && job.type !== 'repeat' ? ((total - this.#rows) / rate) * 1_000 : null,
    });
  }
}

function updateOf(job: UpdateJob, within: string): string {
  const set = job.set.map(({ column, expression }) => `${quoteName(column)} = (${expression})`).join(', ');
  return `UPDATE ${quoteTable(job.table)} SET ${set} WHERE ${within} AND ${job.needs}`;
}

/**
 * Held from here on, as the old version holds them: the old row first. So whatever the new version writes is pending as
 * soon as it is committed. `insert` may have waited for such a one, and does not see it: where that deleted a row, it
 * made it again. From `lock` on each row that is not pending is held in the new table, too, and cannot change.
 */
async function copyRows(session: Session, job: CopyJob, within: string, rows: number): Promise<Copied> {
  const batch = `WITH segue_batch AS MATERIALIZED (SELECT * FROM ${quoteTable(job.table)} WHERE ${within} FOR NO KEY UPDATE)`;
  const { changed } = await session.query(`${batch} ${job.insert}`);
  if (changed === rows) return { changed, closing: [job.recall] };
  // In one message: while a table is written to, most batches have rows that are there.
  const rest = [job.recall, `${batch} ${job.lock}`, `${batch} ${job.update}`];
  const again = await session.query(rest.join('; '));
  return { changed: changed + again.changed, closing: [`SELECT ${job.pending.settle}`] };
}

export async function jobsDone(context: RunContext, jobs: readonly Job[]): Promise<boolean> {
  const kept = await keptJobs(context.connections, context.change);
  return jobs.every(({ id }) => kept.some(({ job, done }) => job === id && done));
}
