/** Values for the parameters of one version's statements: of rows that are there, and new ones by type. */
import type pg from 'pg';
import { type Bounds, boundsOf, UNBOUND } from '../../../../core/database/rehearsal/checks.ts';
import type { Named } from '../../../../core/database/rehearsal/differences.ts';
import type { Param, Query } from '../../../../core/database/rehearsal/queries.ts';
import type { Side } from '../../../../core/database/rehearsal/report.ts';
import {
  columnOf,
  type CopyTable,
  isUnique,
  type ValueType,
} from '../../../../core/database/rehearsal/table.ts';
import { valueSql } from '../../../../core/database/rehearsal/values.ts';
import { quoteName, quoteTable, type TableName } from '../../../../core/database/identifier.ts';
import { limits } from '../../../../core/limits.ts';
import { sameTable } from './tables.ts';

const { poolValues, reservedRows } = limits.rehearsal;

type Values = readonly (string | null)[];

interface Pool {
  readonly rows: readonly Values[];
  /** Each value at most once. */
  readonly fresh: boolean;
  at: number;
}

interface Place {
  readonly table: TableName;
  readonly name: string;
}

interface Recipe {
  readonly type: ValueType;
  readonly bounds: Bounds;
  readonly place: Place | null;
  readonly unique: boolean;
}

export interface SourceParts {
  readonly client: pg.Client;
  readonly side: Side;
  readonly tables: readonly CopyTable[];
  /** Columns that only the new version knows: nothing in them says yet what it writes. */
  readonly brought: Named;
  readonly chance: () => number;
}

/** Of values that must not be there yet: far from the numbers that rows have, and each version at another place. */
const FRESH_FROM: Readonly<Record<Side, number>> = { old: 10_000_000, new: 500_000_000 };
/** Of others: such as an application might write, and any conversion still holds. */
const PLAIN_VALUES = 10_000;
const INTEGERS: ReadonlySet<string> = new Set(['smallint', 'integer', 'bigint']);

export class ValueSource {
  readonly #parts: SourceParts;
  readonly #pools = new Map<string, Pool>();
  readonly #types = new Map<string, readonly ValueType[]>();
  #next: number;

  constructor(parts: SourceParts) {
    this.#parts = parts;
    this.#next = FRESH_FROM[parts.side] + Math.floor(parts.chance() * 1_000_000);
  }

  /** Rows come and go: what was picked from is read anew. */
  forget(): void {
    for (const [name, pool] of this.#pools) if (!pool.fresh) this.#pools.delete(name);
  }

  /** In the order of the parameters; null: a table that it picks from has no rows. */
  async valuesFor(query: Pick<Query, 'params' | 'sql'>): Promise<(string | null)[] | null> {
    const rows = new Map<string, Record<string, string | null>>();
    for (const table of tablesPicked(query.params)) {
      const picked = await this.#pickRow(table, columnsPicked(query.params, table));
      if (!picked) return null;
      rows.set(quoteTable(table), picked);
    }
    const values: (string | null)[] = [];
    for (const [index, param] of query.params.entries())
      values.push(await this.#valueOf(query, param, index, rows));
    return values;
  }

  /** The first rows by their key, which nothing else writes. */
  async reservedKeys(table: CopyTable): Promise<readonly Values[]> {
    return this.#read(rowsSql(table.table, table.key ?? [], table.key, reservedRows));
  }

  async #valueOf(
    query: Pick<Query, 'sql'>,
    param: Param,
    index: number,
    rows: ReadonlyMap<string, Record<string, string | null>>,
  ): Promise<string | null> {
    switch (param.from) {
      case 'fixed':
        return param.text;
      case 'row': {
        const value = rows.get(quoteTable(param.table))?.[param.column] ?? null;
        return param.list === true && value !== null ? arrayOf(value) : value;
      }
      case 'value':
        return this.#written(param.table, param.column);
      case 'type': {
        const types = await this.#typesOf(query.sql);
        const type = types[index];
        return type
          ? this.#made(`type ${type.name}`, { type, bounds: UNBOUND, place: null, unique: false })
          : null;
      }
    }
  }

  async #pickRow(
    table: TableName,
    columns: readonly string[],
  ): Promise<Record<string, string | null> | null> {
    const name = `row ${quoteTable(table)} ${columns.join()}`;
    const pool = this.#pools.get(name) ?? this.#keep(name, await this.#rowsOf(table, columns), false);
    const row = pool.rows[Math.floor(this.#parts.chance() * pool.rows.length)];
    return row ? Object.fromEntries(columns.map((column, index) => [column, row[index] ?? null])) : null;
  }

  async #rowsOf(table: TableName, columns: readonly string[]): Promise<readonly Values[]> {
    const known = this.#parts.tables.find((each) => sameTable(each.table, table));
    const rows = await this.#read(rowsSql(table, columns, known?.key ?? null, poolValues + reservedRows));
    return rows.length > 2 * reservedRows ? rows.slice(reservedRows) : rows;
  }

  async #written(table: TableName, name: string): Promise<string | null> {
    const known = this.#parts.tables.find((each) => sameTable(each.table, table));
    const column = known ? columnOf(known, name) : undefined;
    if (!known || !column) return null;
    const place = `${quoteTable(table)}.${quoteName(name)}`;
    const unique = isUnique(known, name);
    const names = this.#parts.brought.get(quoteTable(table));
    const isBrought = names === null || names?.has(name) === true;
    const isChecked = known.checks.some(({ columns }) => columns.includes(name));
    if (!unique && (!isBrought || isChecked)) {
      const pool =
        this.#pools.get(`seen ${place}`) ?? this.#keep(`seen ${place}`, await this.#seen(table, name), false);
      const value = pool.rows[Math.floor(this.#parts.chance() * pool.rows.length)]?.[0];
      if (value !== undefined) return value;
    }
    const recipe: Recipe = {
      type: column.type,
      bounds: boundsOf(name, known.checks),
      place: { table, name },
      unique,
    };
    return this.#made(`made ${place}`, recipe);
  }

  /** Values that are there: what a program writes is mostly like what it has written. */
  async #seen(table: TableName, name: string): Promise<readonly Values[]> {
    const column = quoteName(name);
    return this.#read(
      `SELECT DISTINCT segue_c::text FROM (SELECT ${column} AS segue_c FROM ${quoteTable(table)} WHERE ${column} IS NOT NULL LIMIT ${poolValues}) AS segue_seen`,
    );
  }

  async #made(name: string, recipe: Recipe): Promise<string | null> {
    const known = this.#pools.get(name);
    const pool =
      known && known.at < known.rows.length ? known : this.#keep(name, await this.#make(recipe), true);
    const value = pool.rows[pool.at]?.[0] ?? null;
    pool.at += 1;
    return value;
  }

  async #make({ type, bounds, place, unique }: Recipe): Promise<readonly Values[]> {
    const expression = valueSql(type, 'segue_n', bounds);
    if (expression === null) return [];
    if (!unique) {
      const alike = place ? await this.#likeThoseThere(type, place) : [];
      if (alike.length > 0) return alike;
      return this.#series(expression, Math.floor(this.#parts.chance() * PLAIN_VALUES), '');
    }
    this.#next += poolValues;
    if (!place || !INTEGERS.has(type.base)) return this.#series(expression, this.#next, '');
    const most = `(SELECT coalesce(max(${quoteName(place.name)}), 0)::bigint FROM ${quoteTable(place.table)}) + `;
    return this.#series(expression, this.#parts.side === 'old' ? 1 : 1 + poolValues * 20, most);
  }

  async #series(expression: string, from: number, plus: string): Promise<readonly Values[]> {
    return this.#read(
      `SELECT (${expression})::text FROM (SELECT ${plus}segue_i AS segue_n FROM generate_series(${from}::bigint, ${from + poolValues - 1}::bigint) AS segue_i) AS segue_made`,
    );
  }

  /** Text has a form that its type does not say, a first name or an address: another letter at its end keeps it. */
  async #likeThoseThere(type: ValueType, { table, name }: Place): Promise<readonly Values[]> {
    if (!/^(?:text|citext|character varying)/.test(type.base)) return [];
    const seen = await this.#seen(table, name);
    return seen.map(([value]) => [
      `${value?.slice(0, -1) ?? ''}${'xyz'[Math.floor(this.#parts.chance() * 3)]}`,
    ]);
  }

  /** A statement whose parameters stand nowhere that says their type: the server knows. */
  async #typesOf(sql: string): Promise<readonly ValueType[]> {
    const known = this.#types.get(sql);
    if (known) return known;
    const { client } = this.#parts;
    await client.query(`PREPARE segue_asked AS ${sql}`);
    try {
      const { rows } = await client.query<ValueType>(TYPES);
      this.#types.set(sql, rows);
      return rows;
    } finally {
      await client.query('DEALLOCATE segue_asked');
    }
  }

  #keep(name: string, rows: readonly Values[], fresh: boolean): Pool {
    const pool = { rows, fresh, at: 0 };
    this.#pools.set(name, pool);
    return pool;
  }

  async #read(sql: string): Promise<readonly Values[]> {
    return (await this.#parts.client.query<(string | null)[]>({ text: sql, rowMode: 'array' })).rows;
  }
}

const TYPES = `
  SELECT format_type(t.oid, NULL) AS name, format_type(CASE WHEN b.typcategory = 'A' THEN b.typelem ELSE b.oid END, NULL) AS base,
    CASE WHEN b.typtype = 'e' THEN 'enum' WHEN b.typtype = 'r' THEN 'range' WHEN b.typcategory = 'A' THEN 'array' WHEN b.typtype = 'b' THEN 'base' ELSE 'other' END AS kind
  FROM pg_prepared_statements p, unnest(p.parameter_types) WITH ORDINALITY n(type, place)
  JOIN pg_type t ON t.oid = n.type JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
  WHERE p.name = 'segue_asked' ORDER BY n.place`;

function rowsSql(
  table: TableName,
  columns: readonly string[],
  key: readonly string[] | null,
  most: number,
): string {
  const list = columns.map((column) => `${quoteName(column)}::text`).join(', ');
  const there = columns.map((column) => `${quoteName(column)} IS NOT NULL`).join(' AND ');
  const order = key === null ? '' : ` ORDER BY ${key.map(quoteName).join(', ')}`;
  // Not by what the columns are called as text.
  return `SELECT ${list} FROM (SELECT * FROM ${quoteTable(table)} WHERE ${there}${order} LIMIT ${most}) AS segue_rows`;
}

function tablesPicked(params: readonly Param[]): TableName[] {
  const tables = params.flatMap((param) => (param.from === 'row' ? [param.table] : []));
  return [...new Map(tables.map((table) => [quoteTable(table), table])).values()];
}

const columnsPicked = (params: readonly Param[], table: TableName) => [
  ...new Set(
    params.flatMap((param) => (param.from === 'row' && sameTable(param.table, table) ? [param.column] : [])),
  ),
];

const arrayOf = (value: string) => `{"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"}`;
