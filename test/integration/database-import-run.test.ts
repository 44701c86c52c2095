/**
 * Bugs hunted: an imported change that its executor cannot carry out as it is written - a statement that fails or waits
 * for either version while it expands, fills, goes back or contracts, rows of the old version that come after the
 * backfill and keep the contract from being made, a step that fails when it is done again, and one that stopped half
 * way and cannot be taken back.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { filesOf } from '../../src/cli/import/change-folder.ts';
import type { Change } from '../../src/core/database/change.ts';
import { guessDialect, plainSql } from '../../src/core/database/sql/import/dialect.ts';
import { splitChange } from '../../src/core/database/sql/import/split-change.ts';
import { Server } from '../../src/core/database/sql/server.ts';
import { changesFolder } from '../../src/drivers/database/folder/source.ts';
import { openSqlParser } from '../../src/drivers/sql/libpg-query/parser.ts';
import { MIGRATION_CASES, type MigrationCase } from '../lint/migration-cases.ts';
import { SCHEMA_BEFORE } from '../lint/migrations.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { underLoad } from '../support/database-writers.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';

const grammar = await openSqlParser();
const CHANGE = '0001-imported';

let server: Postgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

/** What "segue database import" writes, as the executor reads it. */
async function imported(t: TestContext, { file, text }: MigrationCase): Promise<readonly Change[]> {
  const version = { major: server.version, minor: null };
  const { parts } = splitChange(plainSql(text, guessDialect(file, text)), grammar, new Server(version, null));
  const dir = await mkdtemp(path.join(tmpdir(), 'segue-import-'));
  t.after(() => rm(dir, { recursive: true }));
  await mkdir(path.join(dir, CHANGE));
  for (const each of filesOf(parts, file)) await writeFile(path.join(dir, CHANGE, each.file), each.text);
  return changesFolder(() => Promise.resolve(grammar)).read(dir);
}

async function databaseBefore(t: TestContext): Promise<TestDatabase> {
  const db = await testDatabase(server, SCHEMA_BEFORE);
  t.after(() => db.close());
  return db;
}

async function wrongRows(db: TestDatabase, query: string): Promise<unknown> {
  const [row] = await db.sql(query);
  return row?.['wrong'];
}

const nothing = () => Promise.resolve();

/** What there is, by name and kind; what an enum has more than before stays, as PostgreSQL cannot drop a value. */
async function shapeOf(db: TestDatabase): Promise<readonly string[]> {
  const rows = await db.sql<{ line: string }>(`
    SELECT format('%s %s', relkind, relname) AS line FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT format('column %s.%s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod))
      FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT format('constraint %s %s', conrelid::regclass, conname) FROM pg_constraint
      WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
    UNION ALL SELECT format('type %s', typname) FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'
    ORDER BY 1`);
  return rows.map(({ line }) => line);
}

for (const each of MIGRATION_CASES)
  describe(each.name, () => {
    test('expands, fills, goes back, comes again and contracts under both versions', async (t) => {
      const all = await imported(t, each);
      const db = await databaseBefore(t);
      const { runner } = db;
      const atFirst = await shapeOf(db);
      const forward = async () => {
        await runner.expand(all, CHANGE);
        await runner.backfill(all, CHANGE);
      };
      await underLoad(db, [each.old], forward);
      await underLoad(db, [each.old, each.new], nothing);
      await underLoad(db, [each.old], () => runner.revert(all, CHANGE, { dropData: true }));
      assert.deepEqual(await shapeOf(db), atFirst);

      await underLoad(db, [each.old], forward);
      await underLoad(db, [each.old, each.new], nothing);
      await underLoad(db, [each.new], () => runner.contract(all, CHANGE, { now: false }));
      const { changes, drift } = await runner.status(all);
      assert.deepEqual([changes[0]?.phase, drift], ['finished', []]);
      assert.equal(await wrongRows(db, each.wrong), 0);
    });

    test('can be taken back from wherever its expand stopped', async (t) => {
      const all = await imported(t, each);
      const db = await databaseBefore(t);
      const atFirst = await shapeOf(db);
      const steps = (await db.runner.plan(all[0] as Change)).filter(({ phase }) => phase === 'expand').length;
      for (let at = 0; at < steps; at += 1) {
        let done = 0;
        const signal = { aborted: at === 0 };
        const onStep = ({ state }: { readonly state: string }) => {
          done += state === 'done' ? 1 : 0;
          signal.aborted = done >= at;
        };
        const stopped = db.runner.expand(all, CHANGE, { signal, onStep });
        await assert.rejects(stopped, { code: 'BACKFILL_STOPPED' });
        await db.runner.revert(all, CHANGE, { dropData: true });
        assert.deepEqual(await shapeOf(db), atFirst, `stopped after ${at} steps`);
      }
    });

    test('each step can be done again when only its record was lost', async (t) => {
      const all = await imported(t, each);
      const db = await databaseBefore(t);
      await db.runner.expand(all, CHANGE);
      await db.runner.backfill(all, CHANGE);
      await db.runner.contract(all, CHANGE, { now: true });
      // Those outside of a transaction: a kill may come between the act and its record.
      const outside = (await db.runner.plan(all[0] as Change)).filter(({ statements: [sql = ''] }) =>
        /\bCONCURRENTLY\b/.test(sql),
      );
      for (const { phase, id } of outside.filter((step) => step.phase !== 'revert')) {
        await db.sql('DELETE FROM segue.steps WHERE change = $1 AND phase = $2 AND step = $3', [
          CHANGE,
          phase,
          id,
        ]);
        await db.sql(`UPDATE segue.changes SET phase = $2 WHERE name = $1`, [
          CHANGE,
          phase === 'expand' ? 'expanding' : 'contracting',
        ]);
        if (phase === 'expand') await db.runner.expand(all, CHANGE);
        else await db.runner.contract(all, CHANGE, { now: true });
      }
    });
  });
