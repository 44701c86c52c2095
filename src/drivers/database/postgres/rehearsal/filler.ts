/** Rows for the tables of a copy that has none. A table that refuses them is named, and the rest goes on. */
import type pg from 'pg';
import { fillOrder, fillSql } from '../../../../core/database/rehearsal/fill.ts';
import type { CopyTable } from '../../../../core/database/rehearsal/table.ts';
import { quoteTable, showTable } from '../../../../core/database/identifier.ts';
import { SegueError } from '../../../../core/errors.ts';
import { codeOf, failureOf, isLost } from '../failure.ts';

export interface Filled {
  readonly rows: number;
  readonly notes: readonly string[];
}

export async function fillTables(
  client: pg.Client,
  tables: readonly CopyTable[],
  rows: number,
  signal: AbortSignal,
): Promise<Filled> {
  const filled = new Map<string, number>();
  const notes: string[] = [];
  for (const table of fillOrder(tables)) {
    if (signal.aborted) throw new SegueError('REHEARSAL_STOPPED', 'Rows were being made.');
    const made = fillSql(table, rows, filled);
    const outcome = 'why' in made ? made : await insert(client, made.sql);
    if ('why' in outcome) notes.push(`${showTable(table.table)} has no rows: ${outcome.why}`);
    else filled.set(quoteTable(table.table), outcome.rows);
  }
  await client.query('ANALYZE');
  return { rows: [...filled.values()].reduce((sum, each) => sum + each, 0), notes };
}

async function insert(client: pg.Client, sql: string): Promise<{ rows: number } | { why: string }> {
  try {
    return { rows: (await client.query(sql)).rowCount ?? 0 };
  } catch (error) {
    // Out of space or without a connection no other table fares better.
    if (isLost(error) || codeOf(error).startsWith('53') || codeOf(error) === '58030')
      throw failureOf(error, 'making rows for the copy');
    return { why: error instanceof Error ? error.message : String(error) };
  }
}
