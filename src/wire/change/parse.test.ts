/** Hunts a change.yaml that is wrong and passes, or is refused without its place; and defaults that mean something else. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { formatProblem } from '../file/problem.ts';
import { changeJsonSchema, parseChange } from './parse.ts';

const users = { schema: 'public', name: 'users' };

test('operations come as they were written, with names made where none was given', () => {
  const parsed = parseChange(
    `keep: 2h
operations:
  - addColumn: { table: users, column: Nick, type: text, default: 5 }
  - createIndex: { table: users, on: [Nick, "(lower(name))"], unique: true }
  - addForeignKey: { table: app.Posts, columns: [user_id], references: { table: users, columns: [id] } }`,
    'change.yaml',
  );
  assert.ok(parsed.ok);
  assert.equal(parsed.keepMs, 7_200_000);
  const [add, index, foreign] = parsed.operations;
  assert.deepEqual(add, {
    ...{ type: 'addColumn', table: users, column: 'Nick', columnType: 'text' },
    ...{ notNull: false, default: '5', up: null, from: [] },
  });
  assert.equal(index?.type === 'createIndex' && index.name, 'users_Nick__lower_name__key');
  assert.equal(foreign?.type === 'addForeignKey' && foreign.name, 'Posts_user_id_fkey');
  assert.equal(foreign?.type === 'addForeignKey' && foreign.enforce, 'contract');
});

test('statements for a rehearsal may be there for one version only, and are text', () => {
  const of = (rehearse: string) =>
    parseChange(`operations: [{ dropTable: { table: users } }]${rehearse}`, 'change.yaml');
  const said = of('\nrehearse: { new: [SELECT 1] }');
  assert.deepEqual(said.ok && said.rehearse, { old: [], new: ['SELECT 1'] });
  const none = of('');
  assert.deepEqual(none.ok && none.rehearse, { old: [], new: [] });
  const wrong = of('\nrehearse: { newer: [] }');
  assert.match(
    wrong.ok ? '' : formatProblem(wrong.problems[0] ?? assert.fail()),
    /^change\.yaml:2:13: rehearse\.newer: unknown key; expected one of old, new/,
  );
});

describe('what is wrong has its place', () => {
  const cases: readonly (readonly [yaml: string, problem: RegExp])[] = [
    ['operations: []', /^change.yaml:1:13: operations: expected at least one operation/],
    [
      'operations:\n  - { addColumn: { table: t } }',
      /^change.yaml:2:7: operations\[0\].addColumn.column is missing/,
    ],
    [
      'operations:\n  - { addColum: {} }',
      /^change.yaml:2:7: operations\[0\].addColum: unknown key; did you mean addColumn\?/,
    ],
    ['operations:\n  - { dropTable: { tabel: t } }', /unknown key; did you mean table\?/],
    ['operations:\n  - { dropTable: { table: a.b.c } }', /^change.yaml:2:27: .*expected the name of a table/],
    [
      'operations:\n  - { dropTable: { table: a }, sql: { up: x } }',
      /^change.yaml:2:5: operations\[0\]: expected one operation/,
    ],
    ['keep: soon\noperations: [{ sql: { up: x } }]', /^change.yaml:1:7: keep: expected a duration/],
    ['operations: [', /^change.yaml:1:\d+: not valid YAML/],
    [`operations: [{ dropColumn: { table: t, column: "${'x'.repeat(64)}" } }]`, /at most 63 bytes/],
  ];
  for (const [yaml, problem] of cases)
    test(yaml.slice(0, 60).replaceAll('\n', ' '), () => {
      const parsed = parseChange(yaml, 'change.yaml');
      assert.ok(!parsed.ok);
      const [first] = parsed.problems.map(formatProblem);
      assert.ok(
        parsed.problems.some((each) => problem.test(formatProblem(each))),
        first,
      );
    });
});

test('the schema for editors is that of this program', () => {
  const file = join(import.meta.dirname, '..', '..', '..', 'segue.change.schema.json');
  assert.deepEqual(
    JSON.parse(readFileSync(file, 'utf8')),
    JSON.parse(JSON.stringify(changeJsonSchema())),
    'run "npm run schema"',
  );
});
