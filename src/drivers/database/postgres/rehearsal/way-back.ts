/** Keeps the tables as they are before the way back, and counts afterwards what is not there any more. */
import type pg from 'pg';
import {
  type Kept,
  KEPT_SCHEMA,
  keepSql,
  lostOf,
  lostSql,
  sumOfLost,
} from '../../../../core/database/rehearsal/losses.ts';
import type { Lost } from '../../../../core/database/rehearsal/report.ts';
import type { CopyTable } from '../../../../core/database/rehearsal/table.ts';
import { showTable } from '../../../../core/database/identifier.ts';
import { sameTable } from './tables.ts';

export class KeptTables {
  readonly #client: pg.Client;
  readonly #kept: readonly Kept[];
  /** Columns that were still there after the way back, by the number of the table; none: the table was gone. */
  #stayed: readonly (ReadonlySet<string> | null)[] = [];
  readonly #lost: Lost[] = [];

  private constructor(client: pg.Client, kept: readonly Kept[]) {
    this.#client = client;
    this.#kept = kept;
  }

  static async of(client: pg.Client, tables: readonly CopyTable[]): Promise<KeptTables> {
    await client.query(`DROP SCHEMA IF EXISTS ${KEPT_SCHEMA} CASCADE; CREATE SCHEMA ${KEPT_SCHEMA}`);
    const kept = tables.map(({ table, columns, key }, index): Kept => ({
      ...{ table, key, as: { schema: KEPT_SCHEMA, name: `kept_${index}` } },
      columns: columns.filter(({ generated }) => !generated).map(({ name }) => name),
    }));
    for (const each of kept) await client.query(keepSql(each));
    return new KeptTables(client, kept);
  }

  /** Right after the way back: what stayed should be as it was. */
  async lookAfterBack(now: readonly CopyTable[]): Promise<void> {
    this.#stayed = this.#kept.map(({ table }) => {
      const there = now.find((each) => sameTable(each.table, table));
      return there ? new Set(there.columns.map(({ name }) => name)) : null;
    });
    for (const [index, kept] of this.#kept.entries()) {
      const stayed = this.#stayed[index];
      if (stayed) await this.#ask(kept, now, (column) => stayed.has(column), true);
    }
  }

  /** Once it went forward again: what went should have come again. Where it cannot go, whatever went is lost. */
  async lookAfterAgain(now: readonly CopyTable[]): Promise<void> {
    for (const [index, kept] of this.#kept.entries()) {
      const stayed = this.#stayed[index] ?? null;
      await this.#ask(kept, now, (column) => stayed?.has(column) !== true, stayed === null);
    }
  }

  get lost(): { readonly lost: readonly Lost[]; readonly rows: number; readonly values: number } {
    const lost = this.#lost.toSorted((a, b) => b.count - a.count);
    return { lost, ...sumOfLost(lost) };
  }

  async #ask(
    kept: Kept,
    now: readonly CopyTable[],
    only: (column: string) => boolean,
    countRows: boolean,
  ): Promise<void> {
    const question = lostSql(
      kept,
      now.find(({ table }) => sameTable(table, kept.table)),
      only,
    );
    if (!question) return;
    const { rows } = await this.#client.query<Record<string, number>>(question.sql);
    const found = lostOf(question, rows[0] ?? {});
    this.#lost.push(...found.filter(({ column }) => countRows || column !== null));
  }
}

/** The columns of two moments, as lines that are only in one of them. */
export function schemaApart(before: readonly CopyTable[], now: readonly CopyTable[]): readonly string[] {
  const lines = (tables: readonly CopyTable[]) =>
    new Set(
      tables.flatMap(({ table, columns }) => [
        showTable(table),
        ...columns.map(
          ({ name, type, notNull }) =>
            `${showTable(table)}.${name} ${type.name}${notNull ? ' NOT NULL' : ''}`,
        ),
      ]),
    );
  const was = lines(before);
  const is = lines(now);
  return [
    ...[...was].filter((line) => !is.has(line)).map((line) => `- ${line}`),
    ...[...is].filter((line) => !was.has(line)).map((line) => `+ ${line}`),
  ];
}
