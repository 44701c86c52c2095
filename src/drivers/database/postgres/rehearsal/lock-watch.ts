/** Looks, many times a second, which statements of the application stand behind which locks of whom. */
import type pg from 'pg';
import type { Seen } from '../../../../core/database/rehearsal/tally.ts';
import { limits } from '../../../../core/limits.ts';
import type { Clock } from '../../../../ports/clock.ts';
import { CLIENT } from './session.ts';
import type { StageBook } from './stage.ts';

const { lookIntervalMs, statementChars } = limits.rehearsal;

const shortened = (query: string) =>
  `left(btrim(regexp_replace(coalesce(${query}, ''), '\\s+', ' ', 'g')), ${statementChars})`;

/** `since`: when it began to wait, which servers before 14 do not say. */
const looking = (since: string) => `
  SELECT a.pid || ' ' || ${since} AS id, ${shortened('a.query')} AS statement, substr(a.application_name, ${CLIENT.length + 1}) AS side,
    l.mode, CASE WHEN l.relation IS NULL THEN 'a row' WHEN l.locktype = 'tuple' THEN 'a row of ' || l.relation::regclass ELSE l.relation::regclass::text END AS "on",
    coalesce(b.query, 'nobody any more') AS behind, coalesce(b.name = 'segue', false) AS "byChange",
    (extract(epoch FROM clock_timestamp() - ${since}) * 1000)::float8 AS "waitedMs"
  FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid AND NOT l.granted
  LEFT JOIN LATERAL (SELECT s.application_name AS name, ${shortened('s.query')} AS query
    FROM unnest(pg_blocking_pids(a.pid)) AS p(pid) JOIN pg_stat_activity s ON s.pid = p.pid
    ORDER BY s.application_name = 'segue' DESC LIMIT 1) b ON true
  WHERE a.datname = current_database() AND a.application_name LIKE '${CLIENT}%'`;

export class LockWatch {
  readonly #client: pg.Client;
  readonly #book: StageBook;
  readonly #clock: Clock;
  #stopped = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(client: pg.Client, book: StageBook, clock: Clock) {
    this.#client = client;
    this.#book = book;
    this.#clock = clock;
  }

  async start(): Promise<void> {
    const { rows } = await this.#client.query<{ version: number }>(
      `SELECT current_setting('server_version_num')::int AS version`,
    );
    const sql = looking(
      (rows[0]?.version ?? 0) >= 140_000 ? 'coalesce(l.waitstart, a.query_start)' : 'a.query_start',
    );
    this.#ended = this.#look(sql);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#ended;
  }

  /** The lock was mostly taken by an earlier statement of the step than the one that is under way. */
  #saw(seen: Seen): void {
    const { step, tally } = this.#book;
    tally.saw(seen.byChange && step !== null ? { ...seen, behind: step } : seen);
  }

  async #look(sql: string): Promise<void> {
    while (!this.#stopped) {
      // A copy that is gone, or a table that was just dropped: the next look, or the run itself, finds out.
      const seen = await this.#client.query<Seen>(sql).catch(() => ({ rows: [] }));
      for (const each of seen.rows) this.#saw(each);
      await this.#clock.sleep(lookIntervalMs);
    }
  }
}
