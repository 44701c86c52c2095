/**
 * Bugs hunted: a rule that is silent about what it is for, and one that cries where nothing is wrong. Each text is
 * linted as a file of its own, and has to give exactly the findings beside it.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { RULES } from '../../src/core/database/sql/rules/index.ts';
import { COLUMN_CASES } from './corpus-columns.ts';
import { INDEX_CASES } from './corpus-indexes.ts';
import { TABLE_CASES } from './corpus-tables.ts';
import { lintText, rulesOf } from './lint-text.ts';

const CORPUS = [...COLUMN_CASES, ...INDEX_CASES, ...TABLE_CASES];

for (const [sql, ...rules] of CORPUS)
  test(`${rules.length === 0 ? 'nothing' : rules.join(', ')}: ${JSON.stringify(sql).slice(0, 150)}`, () => {
    assert.deepEqual([...rulesOf(sql)].toSorted(), rules.toSorted());
  });

test('there are enough of both, and no text twice', () => {
  const texts = CORPUS.map(([sql]) => sql);
  assert.equal(new Set(texts).size, texts.length);
  assert.ok(CORPUS.length >= 300, `${CORPUS.length} statements`);
  assert.ok(CORPUS.filter(([, ...rules]) => rules.length === 0).length >= 140, 'too few that are safe');
});

/** Shown only when it is asked for. */
const ADVICE: readonly (readonly [sql: string, ...rules: readonly string[]])[] = [
  ['CREATE TABLE IF NOT EXISTS t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text)'],
  ['CREATE TABLE t (a int)', 'prefer-if-exists'],
  ['BEGIN; CREATE TABLE t (a int); COMMIT'],
  ['BEGIN; CREATE TABLE t (id int PRIMARY KEY); COMMIT', 'prefer-bigint'],
  ['BEGIN; CREATE TABLE t (id serial PRIMARY KEY); COMMIT', 'prefer-bigint', 'prefer-identity'],
  ['BEGIN; CREATE TABLE t (id bigserial PRIMARY KEY); COMMIT', 'prefer-identity'],
  [
    'BEGIN; CREATE TABLE t (a varchar(20), b timestamp, c char(3)); COMMIT',
    'prefer-text',
    'prefer-timestamptz',
    'no-char-n',
  ],
  ['BEGIN; CREATE TABLE t (a varchar, b timestamptz, c "char", n int); COMMIT'],
  ['CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON users (a, b, c, d)', 'wide-index'],
  ['CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON users (a, b, c, d)'],
  ['CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON users USING gin (a, b, c, d)'],
  ["CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%')", 'constrained-domain'],
  ["ALTER TYPE mood ADD VALUE 'happy' BEFORE 'ok'", 'enum-value-order'],
  ["SET statement_timeout = '5s'; ALTER TABLE users ALTER COLUMN age SET DEFAULT 1", 'change-default'],
  ['ALTER TABLE users ADD COLUMN IF NOT EXISTS age int', 'no-statement-timeout'],
  [
    "SET statement_timeout = '5s'; ALTER TABLE users DROP CONSTRAINT a; ALTER TABLE users DROP CONSTRAINT b",
    'alter-table-repeated',
  ],
  ["SET statement_timeout = '5s'; DROP VIEW v", 'prefer-if-exists'],
  ['-- segue: ignore truncate because nothing\nSELECT 1', 'ignore-unused'],
];

for (const [sql, ...rules] of ADVICE)
  test(`advice ${rules.length === 0 ? 'nothing' : rules.join(', ')}: ${JSON.stringify(sql).slice(0, 150)}`, () => {
    const found = lintText(`SET lock_timeout = '2s';\n${sql}`, { least: 'advice' });
    const advice = found.filter(({ severity }) => severity === 'advice').map(({ rule }) => rule);
    assert.deepEqual(advice.toSorted(), rules.toSorted());
  });

test('every rule is met by some text', () => {
  const met = new Set([...CORPUS, ...ADVICE].flatMap(([, ...rules]) => rules));
  // It depends on a minor version: see the test of versions.
  met.add('concurrently-corrupts');
  assert.deepEqual(
    Object.keys(RULES).filter((rule) => !met.has(rule)),
    [],
  );
});
