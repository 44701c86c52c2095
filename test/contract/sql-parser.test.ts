/**
 * Bugs hunted: a parser that throws or hangs on hostile text, that stops at a NUL and calls the rest well, that
 * counts bytes where characters are meant, or that loses a statement in a branch of a PL/pgSQL body.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { openSqlParser } from '../../src/drivers/sql/libpg-query/parser.ts';

const parser = await openSqlParser();

function statementsOf(sql: string) {
  const parsed = parser.parse(sql);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.statements.map(({ kind, start, end }) => [kind, sql.slice(start, end).trim()]);
}

test('statements are found where they are, also behind characters of several bytes', () => {
  assert.deepEqual(statementsOf('SELECT \'é\'; -- 😀\nDROP TABLE "größe";\nANALYZE'), [
    ['SelectStmt', "SELECT 'é'"],
    ['DropStmt', 'DROP TABLE "größe"'],
    ['VacuumStmt', 'ANALYZE'],
  ]);
  assert.deepEqual(statementsOf(''), []);
  assert.deepEqual(statementsOf(' -- only a comment\n'), []);
});

test('what is not SQL is said with its place', () => {
  const sql = "SELECT '😀é', FROM t";
  const parsed = parser.parse(sql);
  assert.ok(!parsed.ok);
  assert.match(parsed.message, /syntax error/);
  assert.equal(sql.slice(parsed.at, parsed.at + 4), 'FROM');
});

const hostile: readonly (readonly [name: string, sql: string])[] = [
  ['a NUL', 'SELECT 1;\0 garbage ('],
  ['a string without an end', "SELECT 'abc"],
  ['a dollar quote without an end', 'DO $x$ BEGIN'],
  ['brackets without number', `SELECT ${'('.repeat(100_000)}1`],
  ['a sum without end', `SELECT ${'1+'.repeat(30_000)}1`],
  ['bytes of no encoding', 'SELECT \uD800 FROM \uFFFE ((('],
];
for (const [name, sql] of hostile)
  test(`hostile text is refused, and the next one read: ${name}`, () => {
    assert.equal(parser.parse(sql).ok, false);
    assert.deepEqual(statementsOf('SELECT 1'), [['SelectStmt', 'SELECT 1']]);
  });

test('a body gives its statements in every branch, and names what is put together', () => {
  const body = parser.parseBody(`DO $$
DECLARE r record;
BEGIN
  ALTER TABLE a ADD COLUMN b int;
  IF true THEN UPDATE a SET b = 1; ELSE DELETE FROM a; END IF;
  FOR r IN SELECT 1 LOOP EXECUTE 'DROP TABLE ' || r.x; END LOOP;
EXCEPTION WHEN others THEN TRUNCATE a;
END $$`);
  assert.ok(body.ok, JSON.stringify(body));
  assert.deepEqual(
    body.parts.map(({ type, text, line }) => `${line} ${type}: ${text}`),
    [
      '4 statement: ALTER TABLE a ADD COLUMN b int',
      '5 statement: UPDATE a SET b = 1',
      '5 statement: DELETE FROM a',
      "6 execute: 'DROP TABLE ' || r.x",
      '7 statement: TRUNCATE a',
    ],
  );
  assert.equal(parser.parseBody('DO $$ BEGIN IF END $$').ok, false);
});
