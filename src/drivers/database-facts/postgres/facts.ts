/** What lint wants to know of a live database: version, sizes, columns, constraints and indexes. It only reads. */
import pg from 'pg';
import type {
  KnownColumn,
  KnownConstraint,
  KnownFunction,
  KnownIndex,
  KnownTable,
  ServerFacts,
} from '../../../core/database/sql/server.ts';
import { limits } from '../../../core/limits.ts';
import type { DatabaseFacts } from '../../../ports/database-facts.ts';

export const postgresFacts: DatabaseFacts = { read };

async function read(url: string, mentions: (name: string) => boolean): Promise<ServerFacts> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'segue lint',
    connectionTimeoutMillis: limits.lint.connectTimeoutMs,
    query_timeout: limits.lint.queryTimeoutMs,
  });
  // A connection that breaks ends the query that waits for it; nobody else listens.
  client.on('error', () => undefined);
  await client.connect();
  try {
    // In one transaction, whose settings end with it: a pooler may stand in between.
    await client.query(BEGIN);
    const version = await client.query<{ number: number }>(VERSION);
    const found = await client.query<Found>(TABLES);
    const oids = found.rows
      .filter((row) => mentions(row.name) || row.indexes.some(mentions))
      .map(({ oid }) => oid);
    const tables = await client.query<KnownTable>(DETAILS, [oids]);
    const functions = await client.query<KnownFunction>(FUNCTIONS);
    const number = version.rows[0]?.number ?? 0;
    return {
      version: { major: Math.floor(number / 10_000), minor: number % 10_000 },
      tables: tables.rows.map(tableOf),
      functions: functions.rows.filter(({ name }) => mentions(name)),
    };
  } finally {
    await client.end();
  }
}

interface Found {
  readonly oid: number;
  readonly name: string;
  readonly indexes: readonly string[];
}

/** What the server left out, because it has none, is an empty list. */
function tableOf(row: KnownTable): KnownTable {
  return {
    ...row,
    columns: listOr<KnownColumn>(row.columns),
    constraints: listOr<KnownConstraint>(row.constraints),
    indexes: listOr<KnownIndex>(row.indexes),
  };
}

function listOr<T>(value: readonly T[] | null): readonly T[] {
  return value ?? [];
}

const BEGIN = `BEGIN READ ONLY; SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '${limits.lint.queryTimeoutMs}ms'; SET LOCAL search_path = pg_catalog`;

const VERSION = `SELECT current_setting('server_version_num')::int AS number`;

const TABLES = `
SELECT c.oid::int8::float8 AS oid, c.relname AS name,
       coalesce((SELECT json_agg(i.relname) FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
                 WHERE x.indrelid = c.oid), '[]') AS indexes
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'`;

/** Of a partitioned table, the sizes of all that is below it. */
const DETAILS = `
SELECT n.nspname AS schema, c.relname AS name, c.relkind = 'p' AS partitioned, s.bytes, s.rows,
  (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
                                     'notNull', a.attnotnull) ORDER BY a.attnum)
   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
  (SELECT json_agg(json_build_object('name', k.conname, 'validated', k.convalidated,
                                     'definition', pg_get_constraintdef(k.oid),
                                     'type', CASE k.contype WHEN 'c' THEN 'check' WHEN 'f' THEN 'foreign-key'
                                       WHEN 'u' THEN 'unique' WHEN 'p' THEN 'primary-key' WHEN 'x' THEN 'exclusion'
                                       WHEN 'n' THEN 'not-null' ELSE 'other' END) ORDER BY k.conname)
   FROM pg_constraint k WHERE k.conrelid = c.oid) AS constraints,
  (SELECT json_agg(json_build_object('name', i.relname, 'columns',
     (SELECT json_agg(coalesce(a.attname, '') ORDER BY key.at)
      FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS key (attnum, at)
      LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = key.attnum AND key.attnum > 0
      WHERE key.at <= x.indnkeyatts)) ORDER BY i.relname)
   FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
   WHERE x.indrelid = c.oid AND x.indisvalid) AS indexes
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
  WITH RECURSIVE parts AS (
    SELECT c.oid UNION ALL SELECT i.inhrelid FROM pg_inherits i JOIN parts p ON i.inhparent = p.oid
  )
  SELECT sum(pg_table_size(p.oid))::float8 AS bytes,
         sum(nullif(r.reltuples, -1))::float8 AS rows
  FROM parts p JOIN pg_class r ON r.oid = p.oid WHERE r.relkind <> 'p'
) s
WHERE c.oid = ANY ($1::oid[])`;

const FUNCTIONS = `
SELECT p.proname AS name, bool_or(p.provolatile = 'v') AS volatile
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') GROUP BY 1`;
