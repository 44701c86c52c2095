/** The clients of one version: so many sessions, so many statements a second, each as an application sends it. */
import type pg from 'pg';
import type { Query } from '../../../../core/database/rehearsal/queries.ts';
import type { Side, Stage } from '../../../../core/database/rehearsal/report.ts';
import type { Tally } from '../../../../core/database/rehearsal/tally.ts';
import { limits } from '../../../../core/limits.ts';
import type { Clock } from '../../../../ports/clock.ts';
import type { LoadOptions } from '../../../../ports/database-rehearsal.ts';
import { codeOf, isLost } from '../failure.ts';
import { CLIENT, openSession } from './session.ts';
import type { ValueSource } from './value-source.ts';

export interface LoadParts {
  readonly url: string;
  readonly side: Side;
  readonly queries: readonly Query[];
  readonly options: LoadOptions;
  readonly values: ValueSource;
  readonly tally: Tally;
  readonly clock: Clock;
  /** Of what refused rows before the change was there. */
  readonly rules: ReadonlySet<string>;
  readonly stage: () => Stage;
}

/** A lock timeout or a deadlock is nobody's statement: it says something about the moment. */
const OF_THE_MOMENT: ReadonlySet<string> = new Set(['40P01', '40001', '55P03']);

export class Load {
  readonly #parts: LoadParts;
  #going: { stopped: boolean; readonly ended: Promise<unknown> } | null = null;
  /** One at a time, because values come over one session. */
  #asking: Promise<unknown> = Promise.resolve();
  #turn = 0;
  #turnsOver = 0;
  #lost: unknown = null;

  constructor(parts: LoadParts) {
    this.#parts = parts;
    for (const query of parts.queries) parts.tally.known(query);
  }

  /** `rollBack`: what is written takes its locks and is taken back, so that rows stay as they are. */
  start({ rollBack }: { readonly rollBack: boolean }): void {
    const { options, values } = this.#parts;
    values.forget();
    this.#turnsOver = 0;
    const state = { stopped: false };
    const isStopped = () => state.stopped;
    const clients = Array.from({ length: options.clients }, (_, index) =>
      this.#client(index, rollBack, isStopped),
    );
    this.#going = Object.assign(state, { ended: Promise.all(clients) });
  }

  /** On a busy machine sessions open late: until each statement had its turn nothing can be said of it. */
  async everyTurn(signal: AbortSignal): Promise<void> {
    const { queries, clock } = this.#parts;
    const untilMs = clock.monotonicMs() + limits.rehearsal.statementTimeoutMs;
    while (this.#turnsOver < queries.length && this.#lost === null && clock.monotonicMs() < untilMs)
      await clock.sleep(limits.rehearsal.lookIntervalMs, signal);
  }

  /** Waits for the statements that are under way. */
  async stop(): Promise<void> {
    const going = this.#going;
    this.#going = null;
    if (!going) return;
    going.stopped = true;
    await going.ended;
  }

  /** Of a connection that broke while it was needed. */
  get lost(): unknown {
    return this.#lost;
  }

  async #client(index: number, rollBack: boolean, isStopped: () => boolean): Promise<void> {
    const { url, side, options, clock } = this.#parts;
    const everyMs = (1_000 * options.clients) / options.perSecond;
    let client: pg.Client | null = null;
    try {
      client = await openSession(url, `${CLIENT}${side}`);
      let dueMs = clock.monotonicMs() + (everyMs * index) / options.clients;
      while (!isStopped()) {
        const waitMs = dueMs - clock.monotonicMs();
        if (waitMs > 0) await clock.sleep(waitMs);
        // What came too late is not made up for: the rate is a bound.
        dueMs = Math.max(dueMs + everyMs, clock.monotonicMs());
        if (isStopped()) break;
        await this.#one(client, rollBack);
        this.#turnsOver += 1;
      }
    } catch (error) {
      if (!isStopped()) this.#lost ??= error;
    } finally {
      await client?.end().catch(() => undefined);
    }
  }

  async #one(client: pg.Client, rollBack: boolean): Promise<void> {
    const query = this.#next();
    if (!query) return;
    const { tally, clock } = this.#parts;
    const values = await this.#valuesFor(query);
    if (!values) return;
    if (rollBack) await client.query('BEGIN');
    const beganAtMs = clock.monotonicMs();
    const tookMs = () => clock.monotonicMs() - beganAtMs;
    try {
      await client.query(query.sql, values);
      tally.ran(query, tookMs(), null);
    } catch (error) {
      if (isLost(error)) throw error;
      this.#refused(query, tookMs(), error);
    }
    if (rollBack) await client.query('ROLLBACK');
  }

  #refused(query: Query, tookMs: number, error: unknown): void {
    const { tally, stage } = this.#parts;
    const code = codeOf(error);
    const message = error instanceof Error ? error.message : String(error);
    tally.ran(query, tookMs, { code, message });
    if (OF_THE_MOMENT.has(code)) return;
    if (stage() === 'before') tally.leaveOut(query, `it fails without the change, too: ${message}`);
    else if (query.origin === 'generated' && this.#isOfItsValues(code, error))
      tally.leaveOut(query, `values that were made up for it are refused: ${message}`);
  }

  /** A rule that was there before, or one that the new version knows of and whoever makes values does not. */
  #isOfItsValues(code: string, error: unknown): boolean {
    if (!code.startsWith('23')) return false;
    const rule: unknown = error instanceof Error ? Reflect.get(error, 'constraint') : undefined;
    return this.#parts.side === 'new' || (typeof rule === 'string' && this.#parts.rules.has(rule));
  }

  async #valuesFor(query: Query): Promise<(string | null)[] | null> {
    const asked = this.#asking.then(() => this.#parts.values.valuesFor(query));
    this.#asking = asked.catch(() => undefined);
    try {
      return await asked;
    } catch (error) {
      if (isLost(error)) throw error;
      // It cannot be asked for its parameters because it cannot run.
      this.#refused(query, 0, error);
      return null;
    }
  }

  #next(): Query | null {
    const { queries, tally } = this.#parts;
    for (let tries = 0; tries < queries.length; tries += 1) {
      const query = queries[this.#turn % queries.length];
      this.#turn += 1;
      if (query && !tally.isOut(query)) return query;
    }
    return null;
  }
}
