/**
 * Rows of one kind as each worker counted them, and not summed up: a sum falls when a worker is missing in it, and
 * then nobody knows what of it is new (T5). Bounded as the counters themselves are: of each group the rows that changed
 * last, of workers that are gone the last ones. What earlier ones counted goes on in sums only.
 */
import { limits } from '../limits.ts';
import type { TrafficReport, WorkerRow } from './counts.ts';

/** Stands for all whose rows are not told apart any more. They are in every sum, and nothing in them is new. */
export const LONG_GONE = '';

export interface RowKind<Row extends WorkerRow> {
  /** Whatever the worker. */
  readonly keyOf: (row: Row) => string;
  readonly merge: (a: Row, b: Row) => Row;
  /** Rows that make room for each other, and how many there may be of one worker. */
  readonly groupOf: (row: Row) => string;
  readonly rowsMax: (row: Row) => number;
}

export class WorkerRows<Row extends WorkerRow> {
  readonly #kind: RowKind<Row>;
  /** By worker and group, the row that changed last at the end. */
  readonly #workers = new Map<string | undefined, Map<string, Map<string, Row>>>();
  /** The eldest first. */
  readonly #gone = new Set<string>();
  readonly #changed = new Map<string, Row>();

  constructor(kind: RowKind<Row>) {
    this.#kind = kind;
  }

  put(row: Row): void {
    const { keyOf, groupOf, rowsMax } = this.#kind;
    const groups = getOrAdd(this.#workers, row.worker, () => new Map<string, Map<string, Row>>());
    const rows = getOrAdd(groups, groupOf(row), () => new Map<string, Row>());
    const key = keyOf(row);
    rows.delete(key);
    rows.set(key, row);
    this.#changed.set(`${row.worker ?? '-'} ${key}`, row);
    const [eldest] = rows.keys();
    if (rows.size > rowsMax(row) && eldest !== undefined) rows.delete(eldest);
  }

  /** This worker is about to say everything anew; or a gateway that does not tell them apart. */
  drop(worker: string): void {
    this.#workers.delete(worker);
    this.#workers.delete(undefined);
    this.#gone.delete(worker);
  }

  /** The rows of all others are gone for good. */
  keepOnly(workers: ReadonlySet<string>): void {
    for (const worker of this.#workers.keys())
      if (worker !== undefined && worker !== LONG_GONE && !workers.has(worker)) this.#workers.delete(worker);
  }

  /** It counts no more. Of too many, the eldest is only kept in the sum. */
  bury(worker: string): void {
    if (!this.#workers.has(worker) || worker === LONG_GONE) return;
    this.#gone.add(worker);
    const [eldest] = this.#gone;
    if (this.#gone.size <= limits.gateway.goneWorkersMax || eldest === undefined) return;
    this.#gone.delete(eldest);
    for (const row of rowsOf(this.#workers.get(eldest))) this.#addLongGone(row);
    this.#workers.delete(eldest);
  }

  get workers(): string[] {
    return [...this.#workers.keys()].filter((worker) => worker !== undefined);
  }

  all(): Row[] {
    return [...this.#workers.values()].flatMap((groups) => [...rowsOf(groups)]);
  }

  /** Of workers that are gone. */
  departed(): Row[] {
    return [LONG_GONE, ...this.#gone].flatMap((worker) => [...rowsOf(this.#workers.get(worker))]);
  }

  /** Those that changed since the last call. */
  changes(): Row[] {
    const changed = [...this.#changed.values()];
    this.#changed.clear();
    return changed;
  }

  #addLongGone(row: Row): void {
    const { keyOf, groupOf, merge } = this.#kind;
    const known = this.#workers.get(LONG_GONE)?.get(groupOf(row))?.get(keyOf(row));
    this.put({ ...(known === undefined ? row : merge(known, row)), worker: LONG_GONE });
  }
}

/** What one worker counted is its own from here on. */
export function countedBy(worker: string, { assigned, flags, ...report }: TrafficReport): TrafficReport {
  const own = <Row extends WorkerRow>(row: Row): Row => ({ ...row, worker: row.worker ?? worker });
  return { ...report, assigned: assigned.map(own), flags: flags.map(own) };
}

/** One row for each key, whoever counted it. */
export function summed<Row extends WorkerRow>(rows: readonly Row[], kind: RowKind<Row>): Row[] {
  const sums = new Map<string, Row>();
  for (const row of rows) {
    const key = kind.keyOf(row);
    const known = sums.get(key);
    if (known !== undefined) sums.set(key, kind.merge(known, row));
    else sums.set(key, row.worker === undefined ? row : { ...row, worker: undefined });
  }
  return [...sums.values()];
}

function* rowsOf<Row>(groups: ReadonlyMap<string, ReadonlyMap<string, Row>> | undefined): Generator<Row> {
  for (const rows of groups?.values() ?? []) yield* rows.values();
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
