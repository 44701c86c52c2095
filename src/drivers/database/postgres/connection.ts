/**
 * Connections that keep no state between two transactions, so that a pooler in transaction mode may hand out
 * another one each time: settings are SET LOCAL, locks belong to transactions, statements have no names.
 */
import pg from 'pg';
import { quoteText } from '../../../core/database/identifier.ts';
import { BACKFILL_SETTING } from '../../../core/database/triggers.ts';
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

/** Several statements that are sent at once. */
interface ManySession extends Session {
  queryAll(statements: readonly string[]): Promise<readonly unknown[]>;
}

/** What the statement at that place gave. */
export type Opened = <Row>(at: number) => Rows<Row>;

/** What goes to the server with the end of a transaction. */
export interface Closing<T> {
  readonly result: T;
  readonly closing: readonly string[];
}

export interface Settings {
  readonly lockTimeoutMs: number;
  readonly searchPath?: string;
  /** The pair that it fills. */
  readonly backfill?: string;
  /** Its end does not wait for the disk: a crash of the server may take it back, whole, as if it had not been. */
  readonly lazy?: boolean;
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
    return this.shortTransaction(settings, [], async (session) => ({
      ...{ result: await work(session), closing: [] },
    }));
  }

  /**
   * Its first statements travel with its beginning, the last ones with its end: `work` has what the first ones gave.
   * Each way to the server and back is time in which rows are locked.
   */
  async shortTransaction<T>(
    settings: Settings,
    opening: readonly string[],
    work: (session: Session, opened: Opened) => Promise<Closing<T>>,
  ): Promise<T> {
    return this.#with(async (session) => {
      const begun = begin(settings);
      try {
        const answers = await session.queryAll([...begun, ...opening]);
        const opened: Opened = <Row>(at: number) => asRows<Row>(answers[begun.length + at]);
        const { result, closing } = await work(session, opened);
        await session.queryAll([...closing, 'COMMIT']);
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

  async #with<T>(work: (session: ManySession) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw refusedConnection(error);
    });
    let broken: Error | undefined;
    const lost = (error: Error) => {
      broken = error;
    };
    client.on('error', lost);
    const send = async (sql: string, values: readonly Value[]): Promise<readonly unknown[]> => {
      // Without values the simple protocol, which takes several statements at once.
      const sent = values.length === 0 ? client.query(sql) : client.query(sql, [...values]);
      const result: unknown = await sent;
      const results: readonly unknown[] = Array.isArray(result) ? result : [result];
      return results;
    };
    const session: ManySession = {
      async query<Row>(sql: string, values: readonly Value[] = []) {
        return asRows<Row>((await send(sql, values)).at(-1));
      },
      queryAll: (statements) => send(statements.join(';\n'), []),
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

function begin({ lockTimeoutMs, searchPath, backfill, lazy }: Settings): readonly string[] {
  return [
    // Each statement has to see what was committed before it, whatever the database has as its default.
    'BEGIN ISOLATION LEVEL READ COMMITTED',
    `SET LOCAL lock_timeout = ${Math.round(lockTimeoutMs)}`,
    'SET LOCAL statement_timeout = 0',
    // A row that is hidden is one that is forgotten: an error is better.
    'SET LOCAL row_security = off',
    'SET LOCAL idle_in_transaction_session_timeout = 0',
    ...(searchPath === undefined ? [] : [`SET LOCAL search_path = ${searchPath}`]),
    ...(backfill === undefined ? [] : [`SET LOCAL ${BACKFILL_SETTING} = ${quoteText(backfill)}`]),
    ...(lazy ? ['SET LOCAL synchronous_commit = off'] : []),
  ];
}

/** For a transaction that turned out to be one that has to last. */
export const NOT_LAZY = 'SET LOCAL synchronous_commit TO DEFAULT';
