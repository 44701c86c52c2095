/**
 * Connections that keep no state between two transactions, so that a pooler in transaction mode may hand out
 * another one each time: settings are SET LOCAL, locks belong to transactions, statements have no names.
 */
import pg from 'pg';
import { limits } from '../../../core/limits.ts';
import { refusedConnection } from './failure.ts';

const { connectTimeoutMs, connectionsMax } = limits.database;

export type Value = string | number | boolean | null | readonly string[];

export interface Rows<Row> {
  readonly rows: readonly Row[];
  readonly changed: number;
}

export interface Session {
  query<Row>(sql: string, values?: readonly Value[]): Promise<Rows<Row>>;
}

export interface Settings {
  readonly lockTimeoutMs: number;
  readonly searchPath?: string;
  readonly backfill?: boolean;
}

export class Connections {
  readonly #pool: pg.Pool;

  constructor(url: string) {
    this.#pool = new pg.Pool({
      connectionString: url,
      max: connectionsMax,
      connectionTimeoutMillis: connectTimeoutMs,
      application_name: 'segue',
      allowExitOnIdle: true,
      keepAlive: true,
    });
    // An idle connection that the server ends is replaced when the next one is needed.
    this.#pool.on('error', () => undefined);
  }

  /** One statement, outside of a transaction. */
  async query<Row>(sql: string, values: readonly Value[] = []): Promise<Rows<Row>> {
    return this.#with((session) => session.query<Row>(sql, values));
  }

  async transaction<T>(settings: Settings, work: (session: Session) => Promise<T>): Promise<T> {
    return this.#with(async (session) => {
      await session.query(begin(settings));
      try {
        const result = await work(session);
        await session.query('COMMIT');
        return result;
      } catch (error) {
        // A connection that is gone has rolled back already.
        await session.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #with<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw refusedConnection(error);
    });
    let broken: Error | undefined;
    const lost = (error: Error) => {
      broken = error;
    };
    client.on('error', lost);
    const session: Session = {
      async query<Row>(sql: string, values: readonly Value[] = []) {
        // Without values the simple protocol, which takes several statements at once.
        const sent = values.length === 0 ? client.query(sql) : client.query(sql, [...values]);
        const result: pg.QueryResult | readonly pg.QueryResult[] = await sent;
        const last = Array.isArray(result) ? (result as readonly pg.QueryResult[]).at(-1) : result;
        return asRows<Row>(last);
      },
    };
    try {
      return await work(session);
    } finally {
      client.off('error', lost);
      client.release(broken);
    }
  }
}

function asRows<Row>(result: unknown): Rows<Row> {
  // What the columns are is known where the statement is written.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { rows, rowCount } = (result ?? { rows: [], rowCount: 0 }) as pg.QueryResult & { rows: Row[] };
  return { rows, changed: rowCount ?? 0 };
}

function begin({ lockTimeoutMs, searchPath, backfill }: Settings): string {
  return [
    'BEGIN',
    `SET LOCAL lock_timeout = ${Math.round(lockTimeoutMs)}`,
    'SET LOCAL statement_timeout = 0',
    'SET LOCAL idle_in_transaction_session_timeout = 0',
    ...(searchPath === undefined ? [] : [`SET LOCAL search_path = ${searchPath}`]),
    ...(backfill ? [`SET LOCAL segue.backfill = 'on'`] : []),
  ].join('; ');
}
