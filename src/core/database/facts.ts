/** What the database says about a table, when a change is begun; kept with the change, so that its way back is known. */
import type { TableName } from './identifier.ts';

export interface ColumnFacts {
  readonly name: string;
  /** As `format_type` writes it: `character varying(20)`. */
  readonly type: string;
  readonly notNull: boolean;
  /** The expression; null: none. */
  readonly default: string | null;
  readonly identity: boolean;
  readonly generated: boolean;
  /** The sequence that goes with the column (`serial`), quoted; null: none. */
  readonly sequence: string | null;
}

export interface IndexFacts {
  readonly name: string;
  readonly definition: string;
  readonly columns: readonly string[];
  readonly unique: boolean;
  /** Of a constraint; null: an index of its own. */
  readonly constraint: string | null;
}

export interface ConstraintFacts {
  readonly name: string;
  readonly kind: 'primary' | 'unique' | 'check' | 'foreign' | 'exclusion';
  readonly columns: readonly string[];
  readonly definition: string;
}

export interface KeyColumn {
  readonly name: string;
  readonly type: string;
}

export interface TableFacts {
  readonly table: TableName;
  readonly kind: 'table' | 'partitioned' | 'other';
  readonly columns: readonly ColumnFacts[];
  readonly indexes: readonly IndexFacts[];
  readonly constraints: readonly ConstraintFacts[];
  /** Foreign keys of other tables that point here: `orders.orders_user_id_fkey`, and the columns they point at. */
  readonly referencedBy: readonly { readonly name: string; readonly columns: readonly string[] }[];
  /** The columns of a unique key in which nothing is NULL; null: there is none. */
  readonly key: readonly KeyColumn[] | null;
  /** Row-level security hides rows of it from the role that runs the change. */
  readonly hidden: boolean;
  /** Other tables inherit from it: partitions are none, and chunks of TimescaleDB get its triggers. */
  readonly heirs: boolean;
  /** An estimate; 0 when nothing is known. */
  readonly rows: number;
}

/** By `schema.name`, quoted. */
export type Facts = Readonly<Record<string, TableFacts>>;
