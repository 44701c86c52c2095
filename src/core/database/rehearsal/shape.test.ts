/** Hunts a version that is sent statements about columns that it does not know, or without a key that it has. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { openSqlParser } from '../../../drivers/sql/libpg-query/parser.ts';
import type { SqlParser } from '../../../ports/sql-parser.ts';
import { parseChange } from '../../../wire/change/parse.ts';
import type { Change, SqlFiles } from '../change.ts';
import { type Differences, differencesOf } from './differences.ts';
import { generatedQueries } from './queries.ts';
import { probesOf } from './probes.ts';
import { newShape, oldShape } from './shape.ts';
import { sqlDifferences } from './sql-differences.ts';
import type { CopyTable } from './table.ts';

let parser: SqlParser;
before(async () => {
  parser = await openSqlParser();
});

function tableOf(name: string, columns: readonly string[], more: Partial<CopyTable> = {}): CopyTable {
  return {
    table: { schema: 'public', name },
    columns: columns.map((each) => ({
      name: each.replace('*', ''),
      type: { name: 'text', kind: 'base', base: 'text' },
      ...{ notNull: false, generated: false, numbered: each.endsWith('*'), hasDefault: each.endsWith('*') },
    })),
    ...{ key: ['id'], uniques: [['id']], foreignKeys: [], checks: [], ...more },
  };
}

const change = (body: Change['body']): Change => ({ name: '0001-x', digest: '', keepMs: 0, body });

function ofYaml(...operations: readonly string[]): Differences {
  const parsed = parseChange(`operations: [${operations.join(', ')}]`, 'change.yaml');
  assert.ok(parsed.ok);
  return differences(change({ form: 'operations', operations: parsed.operations }));
}

const differences = (...changes: readonly Change[]) =>
  differencesOf(changes, (files) => sqlDifferences(files, (sql) => parser.parse(sql)));

const ofSql = (files: Partial<SqlFiles>) =>
  differences(
    change({ form: 'sql', files: { ...{ expand: [], backfill: [], contract: [], revert: [] }, ...files } }),
  );

const shown = (tables: readonly CopyTable[]) =>
  tables.map(
    ({ table, columns, key }) =>
      `${table.name}(${columns.map(({ name }) => name).join()}) ${key?.join() ?? '-'}`,
  );

test('each version knows its own columns and tables', () => {
  const both = [tableOf('people', ['id*', 'name', 'full']), tableOf('log', ['id'])];
  const rename = ofYaml(
    '{ renameColumn: { table: people, column: name, to: full } }',
    '{ createTable: { table: log, columns: { id: { type: int } } } }',
  );
  assert.deepEqual(shown(oldShape(both, rename)), ['people(id,name) id']);
  assert.deepEqual(shown(newShape(both, rename)), ['people(id,full) id', 'log(id) id']);

  const tables = [tableOf('people', ['id*']), tableOf('persons', ['id*'])];
  const renamed = ofYaml('{ renameTable: { table: people, to: persons } }');
  assert.deepEqual(
    [shown(oldShape(tables, renamed)), shown(newShape(tables, renamed))],
    [['people(id) id'], ['persons(id) id']],
  );

  const files = ofSql({
    expand: ['ALTER TABLE people ADD COLUMN "full" text, ADD x int', 'CREATE TABLE log (id int)'],
    contract: [
      'ALTER TABLE people DROP COLUMN name',
      'DROP TABLE IF EXISTS public.gone',
      'ALTER TABLE people RENAME x TO y',
    ],
  });
  const all = [
    tableOf('people', ['id*', 'name', 'full', 'x']),
    tableOf('log', ['id']),
    tableOf('gone', ['id']),
  ];
  assert.deepEqual(shown(oldShape(all, files)), ['people(id,name) id', 'gone(id) id']);
  assert.deepEqual(shown(newShape(all, files)), ['people(id,full) id', 'log(id) id']);
});

test('a key that becomes another column is that one for the new version, with its numbers', () => {
  const tables = [tableOf('items', ['id*', 'item_id', 'cents'])];
  const found = ofYaml('{ changeType: { table: items, column: id, type: bigint, to: item_id } }');
  const [item] = newShape(tables, found);
  assert.ok(item);
  assert.deepEqual(shown([item]), ['items(item_id,cents) item_id']);
  const queries = generatedQueries('new', [item], () => true).map(({ sql }) => sql);
  assert.deepEqual(queries, [
    'INSERT INTO "public"."items" ("cents") VALUES ($1)',
    'UPDATE "public"."items" SET "cents" = $1 WHERE "item_id" = $2',
    'SELECT "item_id", "cents" FROM "public"."items" WHERE "item_id" = $1',
  ]);
});

test('only what a version has is written to find out what the other one reads', () => {
  const tables = [tableOf('people', ['id*', 'name', 'full', 'first', 'last'])];
  const chain = ofYaml(
    '{ renameColumn: { table: people, column: name, to: full } }',
    '{ splitColumn: { table: people, column: full, into: { first: { type: text, up: full }, last: { type: text, up: full } }, down: first } }',
  );
  const probes = probesOf(chain, tables).map(({ writer, columns }) => `${writer} ${columns.join()}`);
  // `full` belongs to neither: it comes and goes.
  assert.deepEqual(probes, ['old name', 'new first,last']);
  assert.deepEqual(probesOf(chain, [tableOf('people', ['id', 'name', 'full'], { key: null })]), []);

  const move = ofYaml(
    '{ moveRows: { table: people, to: cities, columns: { person: id, city: city }, down: { id: person, city: city } } }',
  );
  const pair = [
    tableOf('people', ['id*', 'name', 'city']),
    tableOf('cities', ['person', 'city'], { key: ['person'] }),
  ];
  assert.deepEqual(
    probesOf(move, pair).map(({ writer, label, columns }) => `${writer} ${label} ${columns.join()}`),
    ['old people city', 'new cities city'],
  );
});
