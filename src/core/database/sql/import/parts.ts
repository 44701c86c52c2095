/** What an imported migration becomes: statements by phase, and what a person has to look at. */
import type { FileState, Phase } from '../file-state.ts';
import type { Grammar } from '../bodies.ts';
import type { Statement } from '../statement.ts';
import { keyOf, quoteName, showTable, type TableName } from '../tree.ts';

export interface ImportNote {
  /** Characters from the beginning of the migration. */
  readonly at: number;
  /** Not split: something is missing in the files, or blocks. Otherwise only good to know. */
  readonly open: boolean;
  readonly message: string;
}

export type Parts = Record<Phase, string[]>;

/** Collects while the migration is gone through. */
export class Importing {
  readonly parts: Parts = { expand: [], backfill: [], contract: [], revert: [] };
  readonly notes: ImportNote[] = [];
  readonly state: FileState;
  readonly grammar: Grammar;
  /** Columns that this migration adds, as `table.column`: the old version never writes them. */
  readonly added = new Set<string>();
  readonly #fills = new Map<string, string[]>();

  constructor(state: FileState, grammar: Grammar) {
    this.state = state;
    this.grammar = grammar;
  }

  expand(...sql: readonly string[]): void {
    this.parts.expand.push(...sql);
  }

  backfill(...sql: readonly string[]): void {
    this.parts.backfill.push(...sql);
  }

  /** What an UPDATE of the migration gives a column, for rows that have nothing in it. */
  fill(table: TableName, column: string, value: string, where: string | null): void {
    const key = `${keyOf(table)}.${column}`;
    const name = quoteName(column);
    const condition = [...(where === null ? [] : [`(${where})`]), `${name} IS NULL`].join(' AND ');
    const sql = `UPDATE ${showTable(table)} SET ${name} = ${value} WHERE ${condition};`;
    this.#fills.set(key, [...(this.#fills.get(key) ?? []), sql]);
  }

  fillsOf(table: TableName, column: string): readonly string[] {
    return this.#fills.get(`${keyOf(table)}.${column}`) ?? [];
  }

  contract(...sql: readonly string[]): void {
    this.parts.contract.push(...sql);
  }

  /** The last thing done is the first that is undone. */
  revert(...sql: readonly string[]): void {
    this.parts.revert.unshift(...sql);
  }

  /** Good to know. */
  note(statement: Statement, message: string): void {
    this.notes.push({ at: statement.base + statement.start, open: false, message });
  }

  /** A person has to do something about it. */
  open(statement: Statement, message: string): void {
    this.notes.push({ at: statement.base + statement.start, open: true, message });
  }
}

export function sourceOf({ text, start, end }: Statement): string {
  return text.slice(start, end).trim();
}
