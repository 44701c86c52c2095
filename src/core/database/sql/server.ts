/** What is known of the server that the statements are for: its version, and its tables when it was asked. */
import { limits } from '../../limits.ts';
import { formatBytes } from '../../units.ts';
import { keyOf, type TableName } from './tree.ts';

export interface ServerVersion {
  readonly major: number;
  /** Null: any. */
  readonly minor: number | null;
}

export interface KnownTable {
  readonly schema: string;
  readonly name: string;
  readonly partitioned: boolean;
  /** With its TOAST, without indexes; of a partitioned table all partitions together. */
  readonly bytes: number;
  /** As the planner reckons; null before the first ANALYZE. */
  readonly rows: number | null;
  readonly columns: readonly KnownColumn[];
  readonly constraints: readonly KnownConstraint[];
  readonly indexes: readonly KnownIndex[];
}

export interface KnownColumn {
  readonly name: string;
  /** As format_type writes it: `character varying(20)`. */
  readonly type: string;
  readonly notNull: boolean;
}

export interface KnownConstraint {
  readonly name: string;
  readonly type: 'check' | 'foreign-key' | 'unique' | 'primary-key' | 'exclusion' | 'not-null' | 'other';
  readonly validated: boolean;
  /** As pg_get_constraintdef writes it. */
  readonly definition: string;
}

export interface KnownIndex {
  readonly name: string;
  /** In the order of the index; an expression is an empty name. */
  readonly columns: readonly string[];
}

export interface KnownFunction {
  readonly name: string;
  readonly volatile: boolean;
}

/** What was read from a live database. */
export interface ServerFacts {
  readonly version: ServerVersion;
  readonly tables: readonly KnownTable[];
  /** Functions outside pg_catalog. */
  readonly functions: readonly KnownFunction[];
}

export type Work = 'scan' | 'rewrite' | 'index';

export class Server {
  readonly version: ServerVersion;
  readonly #tables: ReadonlyMap<string, KnownTable>;
  readonly #tablesOfIndexes: ReadonlyMap<string, KnownTable>;
  readonly #functions: ReadonlyMap<string, boolean>;

  constructor(version: ServerVersion, facts: ServerFacts | null) {
    this.version = facts?.version ?? version;
    const tables = facts?.tables ?? [];
    this.#tables = new Map(tables.map((table) => [keyOf(table), table]));
    this.#tablesOfIndexes = new Map(
      tables.flatMap((table) =>
        table.indexes.map((index) => [`${table.schema}.${index.name}`, table] as const),
      ),
    );
    this.#functions = new Map((facts?.functions ?? []).map((each) => [each.name, each.volatile]));
  }

  atLeast(major: number): boolean {
    return this.version.major >= major;
  }

  table(name: TableName): KnownTable | null {
    return this.#tables.get(keyOf(name)) ?? null;
  }

  tableOfIndex(index: TableName): KnownTable | null {
    return this.#tablesOfIndexes.get(keyOf(index)) ?? null;
  }

  /** Null where the function is not known. */
  isVolatile(functionName: string): boolean | null {
    return this.#functions.get(functionName) ?? null;
  }
}

/** How long a table is worked on, reckoned at the pace in `limits.lint`; null where its size is not known. */
export function workMs(table: KnownTable | null, work: Work): number | null {
  if (!table) return null;
  const { scanBytesPerSecond, rewriteBytesPerSecond, indexBytesPerSecond } = limits.lint;
  const pace = { scan: scanBytesPerSecond, rewrite: rewriteBytesPerSecond, index: indexBytesPerSecond }[work];
  return (table.bytes / pace) * 1_000;
}

/** `for about 40 s (4.1 GB, 12 million rows)`, or until when where the size is not known. */
export function howLong(table: KnownTable | null, work: Work): string {
  const ms = workMs(table, work);
  if (!table || ms === null) return UNKNOWN[work];
  const rows = table.rows === null ? '' : `, ${showCount(table.rows)} rows`;
  return `for ${showDuration(ms)} (${formatBytes(table.bytes)}${rows})`;
}

const UNKNOWN: Readonly<Record<Work, string>> = {
  scan: 'until every row is read',
  rewrite: 'until the table and its indexes are written anew',
  index: 'until the index is built',
};

function showDuration(ms: number): string {
  if (ms < limits.lint.briefMs) return 'a moment';
  if (ms < 90_000) return `about ${Math.max(1, Math.round(ms / 1_000))} s`;
  if (ms < 90 * 60_000) return `about ${Math.round(ms / 60_000)} min`;
  return `about ${Math.round(ms / 3_600_000)} h`;
}

function showCount(rows: number): string {
  if (rows < 10_000) return String(rows);
  if (rows < 1_000_000) return `${Math.round(rows / 1_000)} thousand`;
  return `${(rows / 1_000_000).toFixed(rows < 10_000_000 ? 1 : 0)} million`;
}
