/**
 * One run at a time changes a database. The lease is a row, because session locks do not survive a pooler in
 * transaction mode. Every transaction of a run locks that row FOR SHARE and looks at its number, so a run whose
 * lease was taken can do nothing more, however late it wakes up.
 */
import { quoteText } from '../../../core/database/identifier.ts';
import { showHolder, type Watch } from '../../../core/database/runner.ts';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Connections, Rows, Session } from './connection.ts';
import { isLocked } from './failure.ts';

const { leaseMs, leaseRenewMs, lockPauseMinMs, lockTimeoutMs } = limits.database;

export interface Holder {
  /** Host, process and start of the one that asks. */
  readonly name: string;
  /** True when the holder named was on this machine and is not any more. */
  isGone(holder: string): boolean;
}

export interface Patience {
  readonly waitMs: number;
  readonly watch: Watch;
}

export class Lease {
  readonly #connections: Connections;
  readonly #fence: string;
  readonly #ended = new AbortController();
  readonly #renewing: Promise<void>;

  private constructor(connections: Connections, fence: string, clock: Clock) {
    this.#connections = connections;
    this.#fence = fence;
    this.#renewing = this.#renew(clock);
  }

  static async take(
    connections: Connections,
    holder: Holder,
    clock: Clock,
    { waitMs, watch }: Patience,
  ): Promise<Lease> {
    const untilMs = clock.monotonicMs() + waitMs;
    let isTold = false;
    for (;;) {
      const { rows } = await connections.query<Found>(
        'SELECT holder, fence::text AS fence, until < clock_timestamp() AS free FROM segue.lease',
      );
      const [found] = rows;
      if (!found) throw new SegueError('DATABASE_BUSY', 'The row of the lease is gone from segue.lease.');
      const gone = holder.isGone(found.holder);
      const fence = found.free || gone ? await tryTake(connections, holder.name, found.fence, gone) : null;
      if (fence !== null) return new Lease(connections, fence, clock);
      if (watch.signal?.aborted)
        throw new SegueError('BACKFILL_STOPPED', `It waited for ${showHolder(found.holder)}.`);
      if (clock.monotonicMs() >= untilMs)
        throw new SegueError('DATABASE_BUSY', `It is ${showHolder(found.holder)}.`);
      if (!isTold && !found.free) watch.onBusy?.(showHolder(found.holder));
      isTold ||= !found.free;
      await clock.sleep(lockPauseMinMs);
    }
  }

  /** Throws DATABASE_BUSY when another run has it now; nobody can take it until the transaction ends. */
  async check(session: Session): Promise<void> {
    this.mustHold(await session.query(this.checking));
  }

  /** The statement of `check`, for a transaction that sends several at once; `mustHold` reads its answer. */
  get checking(): string {
    return `SELECT 1 FROM segue.lease WHERE fence = ${quoteText(this.#fence)} FOR SHARE`;
  }

  mustHold({ rows }: Rows<unknown>): void {
    if (rows.length === 0)
      throw new SegueError('DATABASE_BUSY', 'It took over, because this run gave no sign of life.');
  }

  async release(): Promise<void> {
    this.#ended.abort(new Error('the lease is given back'));
    await this.#renewing;
    // Without an answer it runs out by itself.
    await this.#connections
      .query(`UPDATE segue.lease SET holder = '', until = '-infinity' WHERE fence = $1`, [this.#fence])
      .catch(() => undefined);
  }

  async #renew(clock: Clock): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      const ended = await clock.sleep(leaseRenewMs, signal).then(
        () => false,
        () => true,
      );
      if (ended) return;
      await this.#connections
        .query(
          `UPDATE segue.lease SET until = clock_timestamp() + make_interval(secs => $2) WHERE fence = $1`,
          [this.#fence, leaseMs / 1_000],
        )
        // The transactions of this run find out for themselves what became of it.
        .catch(() => undefined);
    }
  }
}

interface Found {
  readonly holder: string;
  readonly fence: string;
  readonly free: boolean;
}

async function tryTake(
  connections: Connections,
  name: string,
  from: string,
  gone: boolean,
): Promise<string | null> {
  try {
    return await connections.transaction({ lockTimeoutMs }, async (session) => {
      const { rows } = await session.query<{ fence: string }>(
        `UPDATE segue.lease SET fence = fence + 1, holder = $1, until = clock_timestamp() + make_interval(secs => $3)
         WHERE fence = $2 AND (until < clock_timestamp() OR $4) RETURNING fence::text AS fence`,
        [name, from, leaseMs / 1_000, gone],
      );
      return rows[0]?.fence ?? null;
    });
  } catch (error) {
    // The one that holds it is in a transaction still.
    if (isLocked(error)) return null;
    throw error;
  }
}
