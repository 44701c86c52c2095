/**
 * How far the cumulative counts of each worker are counted in (T5). A worker that is missing for a moment, or comes
 * back to another gateway, goes on where it was; whoever is new began with nothing. What was marked of a sum, by a
 * gateway that did not tell its workers apart, is taken for theirs together as soon as all of them are there.
 */
import { limits } from '../limits.ts';
import type { WorkerRow } from './counts.ts';
import { LONG_GONE, type RowKind, summed } from './worker-rows.ts';

export interface MarkKind<Row extends WorkerRow, Mark> {
  readonly rows: RowKind<Row>;
  readonly markOf: (row: Row) => Mark;
  /** There is less in the row than is marked. */
  readonly fell: (mark: Mark, row: Row) => boolean;
}

/** What counted on, and where it was; undefined: it began. */
export interface Grown<Row, Mark> {
  readonly row: Row;
  readonly before: Mark | undefined;
}

export class WorkerMarks<Row extends WorkerRow, Mark> {
  readonly #kind: MarkKind<Row, Mark>;
  readonly #marks: Map<string, Mark>;
  /** Some of them may be of sums. */
  #hasSums: boolean;

  constructor(kind: MarkKind<Row, Mark>, marks: Iterable<readonly [string, Mark]>) {
    this.#kind = kind;
    this.#marks = new Map(marks);
    this.#hasSums = this.#marks.size > 0;
  }

  entries(): IterableIterator<[string, Mark]> {
    return this.#marks.entries();
  }

  values(): Mark[] {
    return [...this.#marks.values()];
  }

  /** All rows there are; `settled`: and whoever has none of them will never have one again. */
  take(rows: readonly Row[], settled: boolean): Grown<Row, Mark>[] {
    const sums = this.#sumsOf(rows);
    const grown = settled ? this.#shareOut(sums) : [];
    const known = new Set<string>();
    for (const row of rows) {
      if (row.worker === LONG_GONE) continue;
      const key = this.#keyOf(row);
      known.add(key);
      const [before, now] = [this.#marks.get(key), this.#kind.markOf(row)];
      const isOfSum = row.worker !== undefined && sums.size > 0 && sums.has(this.#kind.rows.keyOf(row));
      if (before === now || (isOfSum && !settled)) continue;
      this.#marks.set(key, now);
      if (row.worker === undefined) this.#hasSums = true;
      if (isOfSum) continue;
      grown.push({ row, before: before !== undefined && this.#kind.fell(before, row) ? undefined : before });
    }
    if (settled || this.#isTooMany(rows)) this.#keepOnly(known);
    return grown;
  }

  #keepOnly(known: ReadonlySet<string>): void {
    if (this.#marks.size === known.size) return;
    for (const key of this.#marks.keys()) if (!known.has(key)) this.#marks.delete(key);
  }

  /** A gateway that tells sums never says that any is given up. */
  #isTooMany(rows: readonly Row[]): boolean {
    if (this.#marks.size <= limits.gateway.marksOfSumsMax || rows.length === 0) return false;
    return rows.every(({ worker }) => worker === undefined);
  }

  /** Of what is marked of a sum and is told apart by now, the sum. */
  #sumsOf(rows: readonly Row[]): Map<string, Row> {
    if (!this.#hasSums) return new Map();
    const { rows: kind } = this.#kind;
    const apart = rows.filter((row) => row.worker !== undefined && this.#marks.has(kind.keyOf(row)));
    return new Map(summed(apart, kind).map((row) => [kind.keyOf(row), row]));
  }

  #shareOut(sums: ReadonlyMap<string, Row>): Grown<Row, Mark>[] {
    this.#hasSums = false;
    return [...sums].flatMap(([key, row]) => {
      const before = this.#marks.get(key);
      this.#marks.delete(key);
      return before === undefined || this.#kind.fell(before, row) ? [] : [{ row, before }];
    });
  }

  #keyOf(row: Row): string {
    return workerKey(row, this.#kind.rows);
  }
}

/** By which its mark is kept. */
export function workerKey<Row extends WorkerRow>(row: Row, { keyOf }: RowKind<Row>): string {
  return row.worker === undefined ? keyOf(row) : `${row.worker}\n${keyOf(row)}`;
}
