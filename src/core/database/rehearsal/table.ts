/** A table of the copy, as rows and statements are made for it. */
import type { TableName } from '../identifier.ts';

export interface CopyTable {
  readonly table: TableName;
  readonly columns: readonly CopyColumn[];
  /** The columns by which a row is told apart; null: there are none. */
  readonly key: readonly string[] | null;
  /** Sets of columns of which no two rows have the same. */
  readonly uniques: readonly (readonly string[])[];
  readonly foreignKeys: readonly CopyForeignKey[];
  /** As `pg_get_constraintdef` writes them. */
  readonly checks: readonly { readonly columns: readonly string[]; readonly definition: string }[];
}

export interface CopyForeignKey {
  readonly columns: readonly string[];
  readonly table: TableName;
  readonly references: readonly string[];
}

export interface CopyColumn {
  readonly name: string;
  readonly type: ValueType;
  readonly notNull: boolean;
  readonly hasDefault: boolean;
  /** Its default is the next number of a sequence, or it is an identity column. */
  readonly numbered: boolean;
  readonly generated: boolean;
}

export interface ValueType {
  /** As it is written in SQL, with its schema where it needs one: `character varying(20)`, `app.mood`. */
  readonly name: string;
  readonly kind: 'base' | 'enum' | 'array' | 'range' | 'other';
  /** What is underneath a domain; else the type itself. Of an array: its element. */
  readonly base: string;
}

export const columnOf = ({ columns }: CopyTable, name: string): CopyColumn | undefined =>
  columns.find((column) => column.name === name);

/** Those that a statement may write. */
export const writable = ({ columns }: CopyTable): readonly CopyColumn[] =>
  columns.filter(({ generated, numbered }) => !generated && !numbered);

export const isUnique = ({ uniques, key }: CopyTable, name: string): boolean =>
  (key ?? []).includes(name) || uniques.some((columns) => columns.includes(name));
