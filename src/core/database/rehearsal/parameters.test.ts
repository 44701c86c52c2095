/** Hunts a parameter that gets the value of another column, or none where a row would have one. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { openSqlParser } from '../../../drivers/sql/libpg-query/parser.ts';
import type { SqlParser } from '../../../ports/sql-parser.ts';
import { paramsOf } from './parameters.ts';

const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  people: ['id', 'name', 'team'],
  teams: ['id', 'label'],
};

let parser: SqlParser;
before(async () => {
  parser = await openSqlParser();
});

function shown(sql: string): string[] {
  const parsed = parser.parse(sql);
  assert.ok(parsed.ok);
  const [statement] = parsed.statements;
  assert.ok(statement);
  const params = paramsOf(statement, ({ name }, column) => COLUMNS[name]?.includes(column) === true);
  return params.map((param) => {
    if (param.from === 'fixed') return param.text;
    if (param.from === 'type') return 'type';
    const list = param.from === 'row' && param.list === true ? '[]' : '';
    return `${param.from} ${param.table.name}.${param.column}${list}`;
  });
}

test('parameters are written to columns, or picked from them, or bound, or of a type only', () => {
  const cases: readonly (readonly [sql: string, params: readonly string[]])[] = [
    ['UPDATE people SET name = $1 WHERE id = $2', ['value people.name', 'row people.id']],
    ['UPDATE people AS p SET name = $2::text WHERE $1 = p.id', ['row people.id', 'value people.name']],
    [
      'INSERT INTO people (name, team) VALUES ($1, $2), ($3, 4)',
      ['value people.name', 'value people.team', 'value people.name'],
    ],
    [
      'INSERT INTO people (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = $3',
      ['value people.id', 'value people.name', 'value people.name'],
    ],
    [
      'SELECT * FROM people p JOIN teams t ON t.id = p.team WHERE t.label = $1 AND p.name IN ($2, $3) LIMIT $4 OFFSET $5',
      ['row teams.label', 'row people.name', 'row people.name', '10', '0'],
    ],
    ['SELECT * FROM people WHERE id = ANY($1)', ['row people.id[]']],
    ['SELECT label FROM teams, people WHERE label = $1', ['row teams.label']],
    ['DELETE FROM people WHERE id = $1', ['row people.id']],
    ['WITH gone AS (UPDATE teams SET label = $1 RETURNING id) SELECT * FROM gone', ['value teams.label']],
    ['SELECT $1::int + $3', ['type', 'type', 'type']],
    ['SELECT * FROM people WHERE nowhere = $1', ['type']],
    ['SELECT 1', []],
  ];
  for (const [sql, params] of cases) assert.deepEqual([sql, shown(sql)], [sql, params]);
});
