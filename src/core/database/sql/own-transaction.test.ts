/** Hunts a statement of a change that ends its record's transaction, or leaves a setting to whoever comes next. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { openSqlParser } from '../../../drivers/sql/libpg-query/parser.ts';
import { unfitForItsTransaction } from './own-transaction.ts';

const parser = await openSqlParser();

function whyNot(sql: string, together = false): string | null {
  const parsed = parser.parse(sql);
  assert.ok(parsed.ok, sql);
  const [statement] = parsed.statements;
  assert.ok(statement);
  return unfitForItsTransaction(statement, sql, together);
}

test('what ends a transaction, or stays with the session, is refused; the rest goes', () => {
  for (const sql of ['BEGIN', 'COMMIT', 'SAVEPOINT a', 'ROLLBACK'])
    assert.match(whyNot(sql, true) ?? sql, /a transaction of its own/);
  for (const sql of [
    'SET search_path = app',
    "SET SESSION lock_timeout = '1s'",
    'SET ROLE owner',
    'RESET search_path',
    "SELECT pg_catalog.set_config('search_path', '', false)",
  ])
    for (const together of [true, false]) assert.match(whyNot(sql, together) ?? sql, /others get/);
  for (const sql of [
    'ALTER TABLE a SET (fillfactor = 70)',
    'ALTER ROLE a SET search_path = b',
    "SELECT set_config('a.b', 'c', true)",
    'UPDATE a SET b = 1',
    'SELECT 1',
    "DO $$ BEGIN PERFORM set_config('a.b', 'c', true); END $$",
  ])
    assert.equal(whyNot(sql), null, sql);
});

test('what is set for one transaction goes with others of the same one only', () => {
  assert.equal(whyNot('SET LOCAL ROLE owner', true), null);
  assert.match(whyNot('SET LOCAL ROLE owner') ?? '', /another one/);
});
