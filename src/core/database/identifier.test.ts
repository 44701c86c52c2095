/** Hunts names that come out as other names: cut in the middle of a letter, alike after the cut, or not quoted. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { madeName, NAME_BYTES_MAX, parseTableName, quoteName, quoteTable, quoteText } from './identifier.ts';
import { renamed } from './rename.ts';

test('names and texts are quoted whatever is in them', () => {
  assert.equal(quoteName('a"b'), '"a""b"');
  assert.equal(quoteText("it's"), "'it''s'");
  assert.equal(quoteText('a\\b'), " E'a\\\\b'");
  assert.equal(quoteTable({ schema: 'App', name: 'Order' }), '"App"."Order"');
});

test('a table is named with or without its schema, and case counts', () => {
  assert.deepEqual(parseTableName('users'), { schema: 'public', name: 'users' });
  assert.deepEqual(parseTableName('App.Users'), { schema: 'App', name: 'Users' });
  assert.deepEqual(parseTableName('"odd.name"'), { schema: 'public', name: 'odd.name' });
  assert.deepEqual(parseTableName('app."a""b"'), { schema: 'app', name: 'a"b' });
  for (const bad of ['', '.', 'a.', '.a', 'a.b.c', '"', '"a', 'x'.repeat(64)])
    assert.equal(parseTableName(bad), undefined, bad);
});

describe('a name that is made', () => {
  test('stays as it is while it fits', () => {
    assert.equal(madeName('users', 'name', 'idx'), 'users_name_idx');
    assert.equal(madeName('x'.repeat(NAME_BYTES_MAX)), 'x'.repeat(NAME_BYTES_MAX));
  });

  test('is cut to what PostgreSQL keeps, between letters, and differs where the whole does', () => {
    const long = 'ü'.repeat(40);
    const [a, b] = [madeName(long, 'a'), madeName(long, 'b')];
    assert.notEqual(a, b);
    for (const each of [a, b]) assert.ok(Buffer.byteLength(each) <= NAME_BYTES_MAX, each);
    assert.match(a, /^ü+_[0-9a-z]{7}$/);
  });
});

test('a column is renamed in an expression, and nothing else of the same name', () => {
  const cases: readonly (readonly [before: string, after: string])[] = [
    [' USING btree (name)', ' USING btree ("full name")'],
    [' USING btree (lower(name), age)', ' USING btree (lower("full name"), age)'],
    ["CHECK ((name <> 'name'::text))", `CHECK (("full name" <> 'name'::text))`],
    ['(name(name))', '(name("full name"))'],
    ['(x)::name', '(x)::name'],
    ['("name" > 1 AND names < 2)', '("full name" > 1 AND names < 2)'],
  ];
  for (const [before, after] of cases) assert.equal(renamed(before, 'name', 'full name'), after);
  assert.equal(renamed('("a""b" > 0)', 'a"b', 'c'), '("c" > 0)');
});
