/** Reads what the catalog says about tables. With an empty search_path every name in it comes with its schema. */
import type { Facts, TableFacts } from '../../../core/database/facts.ts';
import { quoteTable, type TableName } from '../../../core/database/identifier.ts';
import type { Session } from './connection.ts';

const COLUMNS = `
  SELECT json_agg(json_build_object(
    'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'notNull', a.attnotnull,
    'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
    'identity', a.attidentity <> '', 'generated', a.attgenerated <> '',
    'sequence', CASE WHEN a.attidentity = '' THEN pg_get_serial_sequence(c.oid::regclass::text, a.attname) END
  ) ORDER BY a.attnum)
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped`;

const NAMES = (numbers: string, relation: string) =>
  `(SELECT coalesce(json_agg(a.attname), '[]') FROM pg_attribute a WHERE a.attrelid = ${relation} AND a.attnum = ANY(${numbers}))`;

/** In the order of the key, which for an index is that of indkey. */
const INDEXES = `
  SELECT json_agg(json_build_object(
    'name', i.relname, 'definition', pg_get_indexdef(x.indexrelid), 'unique', x.indisunique, 'constraint', k.conname,
    'columns', (SELECT coalesce(json_agg(a.attname), '[]') FROM pg_attribute a WHERE a.attrelid = c.oid AND (
      a.attnum = ANY(x.indkey::int2[]) OR a.attnum IN (SELECT refobjsubid FROM pg_depend
        WHERE classid = 'pg_class'::regclass AND objid = x.indexrelid AND refclassid = 'pg_class'::regclass
        AND refobjid = c.oid AND refobjsubid > 0)))
  ) ORDER BY i.relname)
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
  LEFT JOIN pg_constraint k ON k.conindid = x.indexrelid AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x')
  WHERE x.indrelid = c.oid AND x.indisvalid`;

const CONSTRAINTS = `
  SELECT json_agg(json_build_object(
    'name', k.conname, 'definition', pg_get_constraintdef(k.oid),
    'kind', CASE k.contype WHEN 'p' THEN 'primary' WHEN 'u' THEN 'unique' WHEN 'c' THEN 'check' WHEN 'f' THEN 'foreign' ELSE 'exclusion' END,
    'columns', (SELECT coalesce(json_agg(a.attname ORDER BY n.place), '[]') FROM unnest(k.conkey) WITH ORDINALITY n(num, place)
      JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = n.num)
  ) ORDER BY k.conname)
  FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'c', 'f', 'x')`;

const REFERENCED = `
  SELECT json_agg(json_build_object('name', k.conrelid::regclass::text || '.' || k.conname, 'columns', ${NAMES('k.confkey', 'k.confrelid')}))
  FROM pg_constraint k WHERE k.confrelid = c.oid AND k.contype = 'f' AND k.conparentid = 0`;

/** The primary key, else the narrowest unique index over columns that cannot be NULL. */
const KEY = `
  SELECT (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY n.place)
    FROM unnest(x.indkey::int2[]) WITH ORDINALITY n(num, place) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = n.num
    WHERE n.place <= x.indnkeyatts)
  FROM pg_index x WHERE x.indrelid = c.oid AND x.indisunique AND x.indisvalid AND x.indimmediate
    AND x.indpred IS NULL AND x.indexprs IS NULL
    AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY(x.indkey::int2[]) AND NOT a.attnotnull)
  ORDER BY x.indisprimary DESC, x.indnkeyatts LIMIT 1`;

const HEIRS = `(c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i JOIN pg_class h ON h.oid = i.inhrelid
  WHERE i.inhparent = c.oid AND h.relnamespace::regnamespace::text <> '_timescaledb_internal'))`;

const TABLE = `
  SELECT json_build_object(
    'kind', CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned' ELSE 'other' END,
    'columns', coalesce((${COLUMNS}), '[]'), 'indexes', coalesce((${INDEXES}), '[]'),
    'constraints', coalesce((${CONSTRAINTS}), '[]'), 'referencedBy', coalesce((${REFERENCED}), '[]'),
    'key', (${KEY}), 'hidden', row_security_active(c.oid), 'heirs', ${HEIRS}, 'rows', CASE WHEN c.reltuples > 0 THEN c.reltuples ELSE pg_relation_size(c.oid) / 64 END
  ) AS facts
  FROM pg_class c WHERE c.oid = to_regclass($1)`;

/** Run in a transaction whose search_path is empty. */
export async function readFacts(session: Session, tables: readonly TableName[]): Promise<Facts> {
  const found: Record<string, TableFacts> = {};
  for (const table of tables) {
    const { rows } = await session.query<{ facts: Omit<TableFacts, 'table'> }>(TABLE, [quoteTable(table)]);
    const [row] = rows;
    if (row) found[quoteTable(table)] = { table, ...row.facts };
  }
  return found;
}

/** The schema as lines of text, for comparing it with what it was. What is Segue's own is left out. */
const LINES = `
  WITH mine AS (
    SELECT c.oid, c.relkind, format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'segue') AND n.nspname !~ '^pg_' AND c.relkind IN ('r', 'p', 'v', 'm')
  )
  SELECT format('table %s', name) AS line FROM mine
  UNION ALL SELECT format('column %s.%I %s%s%s', m.name, a.attname, format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attnotnull THEN ' not null' ELSE '' END, coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), ''))
    FROM mine m JOIN pg_attribute a ON a.attrelid = m.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = m.oid AND d.adnum = a.attnum
  UNION ALL SELECT format('index %s', pg_get_indexdef(x.indexrelid)) FROM mine m JOIN pg_index x ON x.indrelid = m.oid
  UNION ALL SELECT format('constraint %s %I %s', m.name, k.conname, pg_get_constraintdef(k.oid)) FROM mine m JOIN pg_constraint k ON k.conrelid = m.oid
  UNION ALL SELECT format('trigger %s %s', m.name, pg_get_triggerdef(t.oid)) FROM mine m JOIN pg_trigger t ON t.tgrelid = m.oid AND NOT t.tgisinternal
  ORDER BY 1`;

export async function readSchemaLines(session: Session): Promise<string[]> {
  const { rows } = await session.query<{ line: string }>(LINES);
  return rows.map(({ line }) => line);
}
