/**
 * One declared operation under clients of the old and of the new version at a fixed rate: forward, back, forward
 * again, contract. A statement that fails is not sent again.
 *
 * Acts run while the clients write to the first half of the rows, so that the other half can be held to be the same
 * before and after; between the acts both versions write to all of them, and then the two sides have to be the same.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Change } from '../../src/core/database/change.ts';
import type { Watch } from '../../src/core/database/runner.ts';
import { changeOf, type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { type OperationCase, withRows } from '../../test/support/database-cases.ts';
import type { Postgres } from '../../test/support/postgres.ts';
import { Load } from './load.ts';

const PER_SECOND = 240;
const CLIENTS = 12;
/** Before and after each act. */
const BESIDE_MS = 1_500;
const TOGETHER_MS = 4_000;

export type PhaseName = 'alone' | 'expand' | 'backfill' | 'both' | 'revert' | 'again' | 'contract';

/** What the clients met in one phase. */
export interface PhaseSeen {
  readonly phase: PhaseName;
  /** Of the act, without the time before and after it. */
  readonly tookMs: number;
  readonly perSecond: number;
  readonly latenciesMs: readonly number[];
  readonly failures: readonly string[];
}

export class OperationRun {
  readonly seen: PhaseSeen[] = [];
  /** Demands that were missed, but for what the clients saw. */
  readonly wrong: string[] = [];
  rowsApart = 0;
  /** Rows gone through the first time. */
  backfilled = 0;
  readonly #db: TestDatabase;
  readonly #server: Postgres;
  readonly #name: string;
  readonly #case: OperationCase;
  readonly #change: Change;
  readonly #rows: number;

  private constructor(
    server: Postgres,
    db: TestDatabase,
    name: string,
    operation: OperationCase,
    rows: number,
  ) {
    this.#server = server;
    this.#db = db;
    this.#name = name;
    this.#case = operation;
    this.#change = changeOf(operation.change);
    this.#rows = rows;
  }

  static async start(server: Postgres, operation: OperationCase, rows: number): Promise<OperationRun> {
    const db = await testDatabase(server, withRows(operation.setup, rows));
    await db.sql('VACUUM ANALYZE');
    await db.sql('CHECKPOINT');
    const [row] = await db.sql<{ name: string }>('SELECT current_database() AS name');
    return new OperationRun(server, db, row?.name ?? '', operation, rows);
  }

  async run(): Promise<void> {
    const { old, new: news } = this.#case;
    const { runner } = this.#db;
    const { name } = this.#change;
    const all = [this.#change];
    const jobs = new Map<string, number>();
    const watch: Watch = { onProgress: ({ job, rows }) => jobs.set(job, rows) };
    const expand = () => runner.expand(all, name);
    const again = async () => {
      await expand();
      await runner.backfill(all, name);
    };
    await this.#during('alone', [old], () => sleep(TOGETHER_MS));
    await this.#keeping('old', () => this.#during('expand', [old], expand));
    await this.#keeping('old', () =>
      this.#during('backfill', [old], () => runner.backfill(all, name, watch)),
    );
    this.backfilled = [...jobs.values()].reduce((sum, rows) => sum + rows, 0);
    await this.#together();
    await this.#keeping('old', () =>
      this.#during('revert', [old], () => runner.revert(all, name, { dropData: true })),
    );
    await this.#keeping('old', () => this.#during('again', [old], again));
    await this.#together();
    await this.#keeping('new', () =>
      this.#during('contract', [news], () => runner.contract(all, name, { now: true })),
    );
  }

  async end(): Promise<void> {
    await this.#db.close();
    const admin = await this.#server.connect();
    await admin.query(`DROP DATABASE ${this.#name} WITH (FORCE)`);
    await admin.end();
  }

  /** Both versions at all of the rows; then what each of them reads has to be the same. */
  async #together(): Promise<void> {
    const { old, new: news, apart } = this.#case;
    await this.#during('both', [old, news], () => sleep(TOGETHER_MS), this.#rows);
    if (apart !== undefined) this.rowsApart += Number(await this.#value(apart));
  }

  /** The rows that nobody writes to meanwhile stay as that version sees them. */
  async #keeping(version: 'old' | 'new', act: () => Promise<PhaseName>): Promise<void> {
    const { oldSum, newSum, newKey = 'id' } = this.#case;
    const [sum, key] = version === 'old' ? [oldSum, 'id'] : [newSum, newKey];
    const query = `${sum} WHERE ${key} > ${this.#rows / 2} AND ${key} <= ${this.#rows}`;
    const before = await this.#value(query);
    const phase = await act();
    if ((await this.#value(query)) !== before)
      this.wrong.push(`${phase} changed rows of the ${version} version`);
  }

  async #value(query: string): Promise<unknown> {
    return Object.values((await this.#db.sql(query))[0] ?? {})[0];
  }

  async #during(
    phase: PhaseName,
    versions: readonly (readonly string[])[],
    act: () => Promise<void>,
    rows = this.#rows / 2,
  ): Promise<PhaseName> {
    const config = this.#server.config(this.#name);
    const [perSecond, clients] = [PER_SECOND / versions.length, CLIENTS / versions.length];
    const loads = await Promise.all(
      versions.map((list) => {
        const statements = list.map((text) => withRows(text, rows));
        return Load.start({ config, perSecond, clients, statements });
      }),
    );
    await sleep(BESIDE_MS);
    const beganMs = performance.now();
    try {
      await act();
      return phase;
    } finally {
      const tookMs = performance.now() - beganMs;
      await sleep(BESIDE_MS);
      const taken = await Promise.all(loads.map((load) => load.stop()));
      this.seen.push({
        ...{ phase, tookMs },
        perSecond: taken.reduce((all, each) => all + (each.latenciesMs.length * 1_000) / each.forMs, 0),
        latenciesMs: taken.flatMap((each) => [...each.latenciesMs]),
        failures: taken.flatMap((each) => [...each.failures]),
      });
    }
  }
}
