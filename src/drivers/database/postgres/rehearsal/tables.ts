/** The tables of a database as rows and statements are made for them. */
import type pg from 'pg';
import type { CopyTable } from '../../../../core/database/rehearsal/table.ts';
import { KEPT_SCHEMA } from '../../../../core/database/rehearsal/losses.ts';
import { quoteTable, type TableName } from '../../../../core/database/identifier.ts';

/** A domain is the type underneath it, an array its element; the name stays as it is written. */
const TYPE = `
  json_build_object(
    'name', format_type(a.atttypid, a.atttypmod),
    'kind', CASE WHEN b.typtype = 'e' THEN 'enum' WHEN b.typtype = 'r' THEN 'range' WHEN b.typcategory = 'A' THEN 'array'
      WHEN b.typtype = 'b' THEN 'base' ELSE 'other' END,
    'base', format_type(CASE WHEN b.typcategory = 'A' THEN b.typelem ELSE b.oid END,
      CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END))`;

const COLUMNS = `
  SELECT coalesce(json_agg(json_build_object(
    'name', a.attname, 'notNull', a.attnotnull OR t.typnotnull, 'generated', a.attgenerated <> '',
    'hasDefault', a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL,
    'numbered', a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid), '') LIKE 'nextval(%',
    'type', ${TYPE}) ORDER BY a.attnum), '[]')
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped`;

const NAMES = (numbers: string, relation: string) =>
  `(SELECT json_agg(a.attname ORDER BY n.place) FROM unnest(${numbers}) WITH ORDINALITY n(num, place) JOIN pg_attribute a ON a.attrelid = ${relation} AND a.attnum = n.num)`;

const WHOLE = 'x.indisvalid AND x.indpred IS NULL AND x.indexprs IS NULL';

const KEY = `
  (SELECT ${NAMES('x.indkey::int2[]', 'c.oid')} FROM pg_index x WHERE x.indrelid = c.oid AND x.indisunique AND x.indimmediate AND ${WHOLE}
    AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY(x.indkey::int2[]) AND NOT a.attnotnull)
   ORDER BY x.indisprimary DESC, x.indnkeyatts LIMIT 1)`;

const TABLES = `
  SELECT json_build_object('schema', n.nspname, 'name', c.relname) AS table, (${COLUMNS}) AS columns, ${KEY} AS key,
    coalesce((SELECT json_agg(${NAMES('x.indkey::int2[]', 'c.oid')}) FROM pg_index x WHERE x.indrelid = c.oid AND x.indisunique AND ${WHOLE}), '[]') AS uniques,
    coalesce((SELECT json_agg(json_build_object('columns', ${NAMES('k.conkey', 'k.conrelid')}, 'references', ${NAMES('k.confkey', 'k.confrelid')},
      'table', json_build_object('schema', fn.nspname, 'name', f.relname)) ORDER BY k.conname)
      FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
      WHERE k.conrelid = c.oid AND k.contype = 'f'), '[]') AS "foreignKeys",
    coalesce((SELECT json_agg(json_build_object('columns', coalesce(${NAMES('k.conkey', 'k.conrelid')}, '[]'), 'definition', pg_get_constraintdef(k.oid)))
      FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c'), '[]') AS checks
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'segue', '${KEPT_SCHEMA}') AND n.nspname !~ '^pg_'
    AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
  ORDER BY n.nspname, c.relname`;

export async function readTables(client: pg.Client): Promise<readonly CopyTable[]> {
  const { rows } = await client.query<CopyTable>(TABLES);
  return rows;
}

/** Names of what refuses rows: what was there before the change says nothing about it. */
export async function readRules(client: pg.Client): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT conname AS name FROM pg_constraint UNION SELECT relname FROM pg_class WHERE relkind = 'i'`,
  );
  return new Set(rows.map(({ name }) => name));
}

/** As far as the server keeps an estimate. */
export async function readSizes(client: pg.Client): Promise<ReadonlyMap<string, number>> {
  const { rows } = await client.query<{ schema: string; name: string; rows: number }>(
    `SELECT n.nspname AS schema, c.relname AS name, c.reltuples::float8 AS rows FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND c.reltuples >= 0`,
  );
  return new Map(rows.map(({ schema, name, rows: many }) => [quoteTable({ schema, name }), many]));
}

export const sameTable = (a: TableName, b: TableName): boolean => a.schema === b.schema && a.name === b.name;
