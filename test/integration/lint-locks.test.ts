/**
 * Bugs hunted: a rule that names a lock which PostgreSQL does not take, work that it does not do, or a safe form
 * that blocks as well. Each statement is run on real servers, old and new, and looked at in pg_locks; whether rows
 * were read or written anew is asked of the statistics and of the file of the table.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type pg from 'pg';
import { isAtLeastLock, LOCK_MODES, type LockMode, locksOf } from '../../src/core/database/sql/locks.ts';
import { RULES } from '../../src/core/database/sql/rules/index.ts';
import { openSqlParser } from '../../src/drivers/sql/libpg-query/parser.ts';
import { eventually } from '../contract/eventually.ts';
import { rulesOf } from '../lint/lint-text.ts';
import { LOCK_CASES, type LockCase, SETUP, WIDENINGS } from '../lint/lock-cases.ts';
import { binaries, type Postgres, startPostgres } from '../support/postgres.ts';

const parser = await openSqlParser();

/** What one statement did. */
interface Seen {
  readonly locks: ReadonlyMap<string, LockMode>;
  /** Tables whose rows were read, and those that were written anew. */
  readonly read: ReadonlySet<string>;
  readonly rewritten: ReadonlySet<string>;
}

const servers: readonly ('system' | 'embedded')[] = hasSystemServer() ? ['system', 'embedded'] : ['embedded'];

function hasSystemServer(): boolean {
  try {
    binaries('system');
    return true;
  } catch {
    return false;
  }
}

test('every rule that names a lock is held against a server', () => {
  const named = Object.entries(RULES).filter(([, rule]) => rule.lock !== null);
  const tried = new Set(LOCK_CASES.map(({ rule }) => rule));
  assert.deepEqual(
    named.map(([rule]) => rule).filter((rule) => !tried.has(rule)),
    [],
  );
});

for (const from of servers)
  describe(`locks as taken by the ${from} server`, () => {
    let server: Postgres;
    let session: pg.Client;
    let other: pg.Client;
    before(async () => {
      server = await startPostgres({ from });
      session = await server.connect();
      other = await server.connect();
    });
    after(async () => server.stop());

    const known = () => ({ version: { major: server.version, minor: null } });

    for (const each of LOCK_CASES)
      test(`${each.rule}: ${each.unsafe}`, async (t) => {
        if (each.from !== undefined && server.version < each.from) return t.diagnostic('not in this version');
        const lock = RULES[each.rule]?.lock;
        assert.ok(lock);
        await prepare(each);
        assert.ok(rulesOf(each.unsafe, known()).includes(each.rule), 'lint says nothing');
        await unsafe(each, lock);
        await prepare(each);
        assert.ok(!rulesOf(each.safe.join(';\n'), known()).includes(each.rule), 'lint refuses the safe form');
        for (const sql of each.safe) await safe(sql);
      });

    async function prepare({ setup = '' }: Pick<LockCase, 'setup'>) {
      await session.query(`DROP SCHEMA public CASCADE; CREATE SCHEMA public; ${SETUP} ${setup}`);
    }

    async function unsafe(each: LockCase, lock: LockMode) {
      const seen = await look(each.unsafe, true);
      for (const table of each.on ?? ['t']) assert.equal(seen.locks.get(table), lock, `the lock on ${table}`);
      if (each.work === 'scan') assert.ok(seen.read.size > 0, 'no table was read');
      if (each.work === 'rewrite') assert.ok(seen.rewritten.size > 0, 'no table was written anew');
      agree(each.unsafe, seen);
    }

    /** It may lock much or work much, but not both. */
    async function safe(sql: string) {
      const tables = await filesOf();
      const seen = await look(sql, false);
      const isWork = seen.read.size > 0 || seen.rewritten.size > 0;
      // A table that it makes itself is nobody else's yet.
      for (const [table, mode] of [...seen.locks].filter(([name]) => tables.has(name)))
        if (isAtLeastLock(mode, 'SHARE')) assert.ok(!isWork, `${sql}: works under ${mode} on ${table}`);
      agree(sql, seen);
    }

    /** locks.ts says of each statement what the server did. */
    function agree(sql: string, { locks }: Seen) {
      const parsed = parser.parse(sql);
      assert.ok(parsed.ok, sql);
      for (const statement of parsed.statements)
        for (const { table, mode } of locksOf(statement))
          if (locks.has(table.name) && parsed.statements.length === 1)
            assert.equal(mode, locks.get(table.name), `${sql}: locks.ts on ${table.name}`);
    }

    async function look(sql: string, undo: boolean): Promise<Seen> {
      if (ALONE.test(sql)) return lookFromOutside(sql);
      const files = await filesOf();
      await session.query('BEGIN');
      try {
        const readBefore = await scansOf();
        await session.query(sql);
        const locks = await locksHeld(session, await pidOf(session));
        const read = [...(await scansOf())].filter(([name, scans]) => scans > (readBefore.get(name) ?? 0));
        return { locks, read: new Set(read.map(([name]) => name)), rewritten: await rewrittenSince(files) };
      } finally {
        await session.query(undo ? 'ROLLBACK' : 'COMMIT');
      }
    }

    /** It cannot run in a transaction: somebody is in its way, and its locks are looked at while it waits. */
    async function lookFromOutside(sql: string): Promise<Seen> {
      const pid = await pidOf(session);
      const inTheWay = /^VACUUM (?!\(?FULL)/.test(sql) ? 'SHARE UPDATE EXCLUSIVE' : 'ROW EXCLUSIVE';
      await other.query(`BEGIN; LOCK TABLE t IN ${inTheWay} MODE`);
      const files = await filesOf();
      const running = session.query(sql);
      running.catch(() => undefined);
      await eventually(`${sql} waits`, async () => {
        const { rows } = await other.query('SELECT 1 FROM pg_locks WHERE pid = $1 AND NOT granted', [pid]);
        return rows.length > 0;
      });
      const locks = await locksHeld(other, pid);
      await other.query('COMMIT');
      await running;
      // What it reads it reads under these locks.
      return { locks, read: new Set(), rewritten: await rewrittenSince(files) };
    }

    /** They are counted from the last time that the session told its counts. */
    async function scansOf(): Promise<ReadonlyMap<string, number>> {
      const { rows } = await session.query(SCANS);
      return new Map(rows.map(({ name, scans }) => [String(name), Number(scans)]));
    }

    async function filesOf(): Promise<ReadonlyMap<string, unknown>> {
      const { rows } = await session.query(FILES);
      return new Map(rows.map(({ name, file }) => [String(name), file]));
    }

    async function rewrittenSince(files: ReadonlyMap<string, unknown>): Promise<ReadonlySet<string>> {
      const now = await filesOf();
      return new Set(
        [...files].filter(([name, file]) => now.has(name) && now.get(name) !== file).map(([name]) => name),
      );
    }

    describe('changes of type', () => {
      for (const { from: was, to, widens } of WIDENINGS)
        test(`${was} to ${to} ${widens ? 'is made in the catalog' : 'reads or writes every row'}`, async () => {
          const create = `CREATE TABLE w (c ${was});`;
          const sql = `ALTER TABLE w ALTER COLUMN c TYPE ${to} USING c::${to}`;
          await prepare({ setup: `${create} INSERT INTO w VALUES (NULL);` });
          const seen = await look(sql, true);
          assert.equal(seen.rewritten.has('w') || seen.read.has('w'), !widens);
          const facts = {
            version: { major: server.version, minor: 0 },
            functions: [],
            tables: [{ ...KNOWN, columns: [{ name: 'c', type: await typeOf('w'), notNull: false }] }],
          };
          assert.deepEqual(rulesOf(sql, { ...known(), facts }).includes('change-column-type'), !widens);
        });
    });

    async function typeOf(table: string): Promise<string> {
      const { rows } = await session.query(
        `SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = $1::regclass AND attname = 'c'`,
        [table],
      );
      return String(rows[0].type);
    }
  });

const KNOWN = {
  schema: 'public',
  name: 'w',
  partitioned: false,
  bytes: 8_192,
  rows: 1,
  constraints: [],
  indexes: [],
};

const ALONE = /\bCONCURRENTLY\b|^VACUUM\b/;

const FILES = `SELECT relname AS name, pg_relation_filenode(oid) AS file FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm')`;

const SCANS = `SELECT relname AS name, seq_scan AS scans FROM pg_stat_xact_user_tables WHERE schemaname = 'public'`;

async function pidOf(client: pg.Client): Promise<number> {
  return Number((await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid);
}

/** The strongest of each table, held or waited for. */
async function locksHeld(client: pg.Client, pid: number): Promise<ReadonlyMap<string, LockMode>> {
  const { rows } = await client.query(
    `SELECT c.relname AS name, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
     WHERE l.pid = $1 AND l.locktype = 'relation' AND c.relnamespace = 'public'::regnamespace`,
    [pid],
  );
  const held = new Map<string, LockMode>();
  for (const { name, mode } of rows) {
    const words = String(mode)
      .replace(/Lock$/, '')
      .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
      .toUpperCase();
    const found = LOCK_MODES.find((each) => each === words);
    assert.ok(found, String(mode));
    const strongest = held.get(String(name));
    if (!strongest || isAtLeastLock(found, strongest)) held.set(String(name), found);
  }
  return held;
}
