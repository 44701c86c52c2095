/** What a backfill does to others, looked at about once a second. What the role may not see counts as nothing. */
import type { Seen } from '../../../core/database/pace.ts';
import { quoteTable, type TableName } from '../../../core/database/identifier.ts';
import { limits } from '../../../core/limits.ts';
import type { RunContext } from './run-context.ts';

type Seeing = Pick<Seen, 'waiters' | 'lagMs' | 'deadShare'>;

const NOTHING: Seeing = { waiters: 0, lagMs: null, deadShare: 0 };

const QUERY = `
  SELECT
    (SELECT count(*) FROM pg_stat_activity a WHERE a.wait_event_type = 'Lock' AND EXISTS (
      SELECT FROM unnest(pg_blocking_pids(a.pid)) AS b(pid) JOIN pg_stat_activity s ON s.pid = b.pid WHERE s.application_name = 'segue'))::int AS waiters,
    (SELECT (extract(epoch FROM max(replay_lag)) * 1000)::float8 FROM pg_stat_replication) AS "lagMs",
    (SELECT coalesce(max(s.n_dead_tup::float8 / greatest(s.n_live_tup, 1)), 0) FROM pg_stat_user_tables s
      JOIN pg_stat_progress_vacuum v ON v.relid = s.relid WHERE s.relid = to_regclass($1)) AS "deadShare"`;

export class Observer {
  readonly #context: RunContext;
  readonly #table: string | null;
  #seen: Seeing = NOTHING;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(context: RunContext, table: TableName | null) {
    this.#context = context;
    this.#table = table === null ? null : quoteTable(table);
  }

  async look(): Promise<Seeing> {
    const { connections, clock } = this.#context;
    if (clock.monotonicMs() - this.#lookedAtMs < limits.database.observeIntervalMs) return this.#seen;
    this.#lookedAtMs = clock.monotonicMs();
    this.#seen = await connections
      .query<Seeing>(QUERY, [this.#table])
      .then(({ rows }) => rows[0] ?? NOTHING)
      .catch(() => NOTHING);
    return this.#seen;
  }
}
