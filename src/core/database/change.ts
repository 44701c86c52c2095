/** One change of a database, as its folder says it. `wire/change` makes it from the files. */
import type { TableName } from './identifier.ts';

export interface Change {
  /** Name of its folder, such as `0007-split-name`; changes run in the order of their names. */
  readonly name: string;
  /** Of what it says, not of how it is written. */
  readonly digest: string;
  /** How long the old columns and tables stay, and stay in step, after the contract. */
  readonly keepMs: number;
  readonly body: Body;
  /** What the programs of both versions send, for a rehearsal; no part of the digest. */
  readonly rehearse?: RehearsedQueries;
}

export interface RehearsedQueries {
  readonly old: readonly string[];
  readonly new: readonly string[];
}

export type Body =
  | { readonly form: 'operations'; readonly operations: readonly Operation[] }
  | { readonly form: 'sql'; readonly files: SqlFiles };

/** Statements in the order of the files. */
export interface SqlFiles {
  readonly expand: readonly string[];
  /** Run again and again until it changes nothing; `:rows` is how many rows it may change. */
  readonly backfill: readonly string[];
  readonly contract: readonly string[];
  readonly revert: readonly string[];
}

/** Tightening waits for the contract, when no old code is left that could break the rule; or it does not. */
export type Enforce = 'expand' | 'contract';

interface OnTable {
  readonly table: TableName;
}

interface OnColumn extends OnTable {
  readonly column: string;
}

export interface AddColumn extends OnColumn {
  readonly type: 'addColumn';
  readonly columnType: string;
  readonly notNull: boolean;
  readonly default: string | null;
  readonly up: string | null;
  /** Columns whose change makes `up` be worked out again. */
  readonly from: readonly string[];
}

export interface RenameColumn extends OnColumn {
  readonly type: 'renameColumn';
  readonly to: string;
}

export interface ChangeType extends OnColumn {
  readonly type: 'changeType';
  readonly columnType: string;
  /** Null: in place, which only some changes allow. */
  readonly to: string | null;
  readonly up: string | null;
  readonly down: string | null;
}

export interface DropColumn extends OnColumn {
  readonly type: 'dropColumn';
  readonly down: string | null;
}

export interface SplitColumn extends OnColumn {
  readonly type: 'splitColumn';
  readonly into: Readonly<Record<string, { readonly columnType: string; readonly up: string }>>;
  readonly down: string;
}

export interface MergeColumns extends OnTable {
  readonly type: 'mergeColumns';
  /** The old columns, and how each is worked out from the new one. */
  readonly columns: Readonly<Record<string, string>>;
  readonly into: string;
  readonly columnType: string;
  readonly up: string;
}

export interface SetNotNull extends OnColumn {
  readonly type: 'setNotNull';
  readonly up: string | null;
}

export interface DropNotNull extends OnColumn {
  readonly type: 'dropNotNull';
  readonly down: string | null;
}

export interface SetDefault extends OnColumn {
  readonly type: 'setDefault';
  readonly default: string;
}

export interface DropDefault extends OnColumn {
  readonly type: 'dropDefault';
}

export interface AddUnique extends OnTable {
  readonly type: 'addUnique';
  readonly columns: readonly string[];
  readonly name: string;
  readonly enforce: Enforce;
}

export interface AddCheck extends OnTable {
  readonly type: 'addCheck';
  readonly check: string;
  readonly name: string;
  readonly enforce: Enforce;
}

export interface AddForeignKey extends OnTable {
  readonly type: 'addForeignKey';
  readonly columns: readonly string[];
  readonly references: { readonly table: TableName; readonly columns: readonly string[] };
  readonly onDelete: string | null;
  readonly name: string;
  readonly enforce: Enforce;
}

export interface DropConstraint extends OnTable {
  readonly type: 'dropConstraint';
  readonly name: string;
}

export interface CreateIndex extends OnTable {
  readonly type: 'createIndex';
  readonly name: string;
  /** Columns, or expressions in parentheses. */
  readonly on: readonly string[];
  readonly unique: boolean;
  readonly method: string;
  readonly include: readonly string[];
  readonly where: string | null;
}

export interface DropIndex extends OnTable {
  readonly type: 'dropIndex';
  readonly name: string;
}

export interface CreateTable extends OnTable {
  readonly type: 'createTable';
  readonly columns: Readonly<
    Record<
      string,
      { readonly columnType: string; readonly notNull: boolean; readonly default: string | null }
    >
  >;
  readonly primaryKey: readonly string[];
}

export interface RenameTable extends OnTable {
  readonly type: 'renameTable';
  readonly to: string;
}

export interface DropTable extends OnTable {
  readonly type: 'dropTable';
}

export interface MoveRows extends OnTable {
  readonly type: 'moveRows';
  readonly to: TableName;
  /** Columns of the other table, and how each is worked out from a row of this one. */
  readonly columns: Readonly<Record<string, string>>;
  /** The way back, worked out from a row of the other table. */
  readonly down: Readonly<Record<string, string>>;
}

export interface AddEnumValue {
  readonly type: 'addEnumValue';
  readonly enum: TableName;
  readonly value: string;
  readonly before: string | null;
  readonly after: string | null;
}

export interface RawSql {
  readonly type: 'sql';
  readonly up: string;
  readonly down: string | null;
  readonly contract: string | null;
  /** Takes the locks at once, before `up`: all of them within the limit, or none. */
  readonly lock: string | null;
}

export type Operation =
  | AddColumn
  | RenameColumn
  | ChangeType
  | DropColumn
  | SplitColumn
  | MergeColumns
  | SetNotNull
  | DropNotNull
  | SetDefault
  | DropDefault
  | AddUnique
  | AddCheck
  | AddForeignKey
  | DropConstraint
  | CreateIndex
  | DropIndex
  | CreateTable
  | RenameTable
  | DropTable
  | MoveRows
  | AddEnumValue
  | RawSql;
