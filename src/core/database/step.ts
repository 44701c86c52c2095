/** A change as what is to be done to the database, in order: worked out before anything runs. */
import type { TableName } from './identifier.ts';
import type { KeyColumn } from './facts.ts';

export interface Step {
  /** Unique within its change and the same each time it is worked out: the journal keeps it. */
  readonly id: string;
  readonly title: string;
  /** On which locks are taken that the application may have to wait for. */
  readonly tables: readonly TableName[];
  readonly run: Run;
}

export type Run =
  /** All or nothing, and recorded as done in the same transaction. */
  | { readonly type: 'transaction'; readonly statements: readonly string[] }
  /** CONCURRENTLY: outside of a transaction, so what is there is looked at first. */
  | { readonly type: 'create-index'; readonly index: TableName; readonly statement: string }
  | { readonly type: 'drop-index'; readonly index: TableName }
  /** A statement of the user's that refuses to run in a transaction. */
  | { readonly type: 'outside'; readonly statement: string };

/** Rows that are brought up to what the triggers would have made of them. */
export type Job = UpdateJob | CopyJob | RepeatJob;

export interface UpdateJob {
  readonly type: 'update';
  readonly id: string;
  /** The pair whose triggers stand back meanwhile. */
  readonly fills: string;
  readonly table: TableName;
  readonly set: readonly { readonly column: string; readonly expression: string }[];
  /** True of a row that is not done yet; at the end no row may be left of which it is. */
  readonly needs: string;
  readonly key: readonly KeyColumn[] | null;
  readonly rows: number;
  readonly partitioned: boolean;
}

export interface CopyJob {
  readonly type: 'copy';
  readonly id: string;
  /** The pair whose triggers stand back meanwhile. */
  readonly fills: string;
  readonly table: TableName;
  readonly key: readonly KeyColumn[];
  /** `INSERT ... SELECT ... FROM` the rows of a batch, which come as a table named `segue_batch`: those that are missing. */
  readonly insert: string;
  /** Takes back rows of `insert` that the new version deleted while it was at work. */
  readonly recall: string;
  /** Where some were there: they are locked, and then those that are not pending are made like the others. */
  readonly lock: string;
  readonly update: string;
  readonly pending: Pending;
  readonly rows: number;
}

/** A statement of the user's, run until it changes nothing. */
export interface RepeatJob {
  readonly type: 'repeat';
  readonly id: string;
  readonly statement: string;
}

/** Rows that one table was written for and another, kept in step with it, could not be. */
export interface Pending {
  /** Where they are to be written. */
  readonly table: TableName;
  /** A function that does it, as far as nobody holds them; gives how many are left. */
  readonly settle: string;
}

/** What a way back would throw away: the query says whether there is any. */
export interface Loss {
  readonly what: string;
  readonly exists: string;
}

export interface Compiled {
  readonly expand: readonly Step[];
  readonly jobs: readonly Job[];
  /** After the backfill, before the new version is used: indexes and foreign keys of the new columns. */
  readonly seal: readonly Step[];
  readonly contract: readonly Step[];
  /** After the time for which old columns are kept: from here there is no way back. */
  readonly finish: readonly Step[];
  readonly revert: readonly Step[];
  readonly losses: readonly Loss[];
  readonly pending: readonly Pending[];
  /** Back from the contract, while what it replaced is kept: both versions can run again. */
  readonly restore: readonly Step[];
  /** Steps of the contract that are left as they are then: they are in nobody's way. */
  readonly standing: readonly string[];
  /** Why there is no way back from the contract; empty: there is. */
  readonly bound: readonly string[];
}

export const NOTHING: Compiled = {
  expand: [],
  jobs: [],
  seal: [],
  contract: [],
  finish: [],
  revert: [],
  losses: [],
  pending: [],
  restore: [],
  standing: [],
  bound: [],
};
