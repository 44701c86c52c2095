/**
 * Bugs hunted: an imported migration that ends in another schema or other rows than the migration itself, one that
 * is not undone by its revert, and one whose files block where the import said that they do not. Each migration is
 * run as it was in one database, and in phases in another, on a real server.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type pg from 'pg';
import { plainSql, guessDialect } from '../../src/core/database/sql/import/dialect.ts';
import { type ImportedChange, splitChange } from '../../src/core/database/sql/import/split-change.ts';
import { Server } from '../../src/core/database/sql/server.ts';
import { openSqlParser } from '../../src/drivers/sql/libpg-query/parser.ts';
import { lintText } from '../lint/lint-text.ts';
import { MIGRATIONS, SCHEMA_BEFORE } from '../lint/migrations.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';

const grammar = await openSqlParser();
const PHASES = ['expand', 'backfill', 'contract', 'revert'] as const;

let server: Postgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

async function database(): Promise<pg.Client> {
  const client = await server.connect(await server.createDatabase());
  await client.query(SCHEMA_BEFORE);
  return client;
}

function imported(file: string, text: string): ImportedChange {
  const version = { major: server.version, minor: null };
  return splitChange(plainSql(text, guessDialect(file, text)), grammar, new Server(version, null));
}

const run = async (client: pg.Client, statements: readonly string[]) => {
  for (const sql of statements) await client.query(sql);
};

/** As a backfill is run: each statement until it changes nothing. */
async function backfill(client: pg.Client, statements: readonly string[]) {
  for (const sql of statements) {
    let passes = 0;
    for (let changed = 1; changed > 0; passes += 1) {
      changed = (await client.query(sql.replaceAll(':rows', '3'))).rowCount ?? 0;
      assert.ok(passes < 100, `it never ends: ${sql}`);
    }
    // In batches, and not in one.
    assert.ok(passes > 2, sql);
  }
}

for (const { name, file, text, closed, same = true } of MIGRATIONS)
  describe(name, () => {
    test('ends where the migration ends', async () => {
      const { parts } = imported(file, text);
      const [whole, phased] = [await database(), await database()];
      if (same) await whole.query(plainSql(text, guessDialect(file, text)));
      await run(phased, parts.expand);
      await backfill(phased, parts.backfill);
      await run(phased, parts.contract);
      if (same) assert.deepEqual(await schemaOf(phased), await schemaOf(whole));
      if (same) assert.deepEqual(await rowsOf(phased), await rowsOf(whole));
    });

    test('is undone by its revert until the contract', async () => {
      const { parts } = imported(file, text);
      const [untouched, reverted] = [await database(), await database()];
      await run(reverted, parts.expand);
      await backfill(reverted, parts.backfill);
      await run(reverted, parts.revert);
      const ignored = (lines: readonly string[]) => lines.filter((line) => !/^type |legacy/.test(line));
      assert.deepEqual(ignored(await schemaOf(reverted)), ignored(await schemaOf(untouched)));
    });

    test(
      closed ? 'asks nobody, and lint finds nothing in its files' : 'says where a person has to look',
      () => {
        const { parts, notes } = imported(file, text);
        assert.equal(
          notes.every(({ open }) => !open),
          closed,
          JSON.stringify(notes),
        );
        if (!closed) return;
        for (const phase of PHASES) {
          const found = lintText(parts[phase].join('\n'), { name: `0001-a/${phase}.sql` });
          assert.deepEqual(
            found
              .filter(({ severity }) => severity === 'error')
              .map(({ rule, message }) => `${phase} ${rule}: ${message}`),
            [],
          );
        }
      },
    );
  });

/** Columns, constraints, indexes and types, each a line; the order of columns is nobody's promise. */
async function schemaOf(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query(`
    SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
           || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
           || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') AS line
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'p') AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
    UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'type ' || t.typname || ' ' || coalesce((SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid), '')
    FROM pg_type t WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'
    UNION ALL SELECT 'sequence ' || relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace`);
  return rows.map(({ line }) => String(line)).toSorted();
}

/** Values that differ from run to run are left out. */
async function rowsOf(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1`,
  );
  const all: string[] = [];
  for (const { name } of rows) {
    const found = await client.query(
      `SELECT to_jsonb(t) - 'token' - 'seenAt' - 'number' AS row FROM "${name}" t`,
    );
    all.push(
      ...found.rows.map(
        ({ row }) =>
          `${name} ${JSON.stringify(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)))}`,
      ),
    );
  }
  return all.toSorted();
}
