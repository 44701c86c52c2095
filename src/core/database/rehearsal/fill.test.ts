/** Hunts rows that are made before those that they point at, and a circle that is never begun. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { fillOrder, fillSql } from './fill.ts';
import type { CopyTable } from './table.ts';

/** `a>b` points at b, `a?b` may. */
function tables(...written: readonly string[]): CopyTable[] {
  return written.map((text) => {
    const [name = '', ...to] = text.split(/[>?]/);
    const table = { schema: 'public', name };
    const optional = text.includes('?');
    return {
      ...{ table, key: ['id'], uniques: [], checks: [] },
      columns: to.map((each) => ({
        name: `${each}_id`,
        type: { name: 'integer', kind: 'base', base: 'integer' },
        ...{ notNull: !optional, hasDefault: false, numbered: false, generated: false },
      })),
      foreignKeys: to.map((each) => ({
        ...{ columns: [`${each}_id`], table: { schema: 'public', name: each }, references: ['id'] },
      })),
    };
  });
}

const order = (...written: readonly string[]) => fillOrder(tables(...written)).map(({ table }) => table.name);

test('tables come after those that they point at', () => {
  assert.deepEqual(order('a>b', 'b>c', 'c'), ['c', 'b', 'a']);
  assert.deepEqual(order('tree>tree', 'a>tree'), ['tree', 'a']);
  assert.deepEqual(order('a?b', 'b>a'), ['a', 'b']);
  assert.deepEqual(order('a>b', 'b>a').toSorted(), ['a', 'b']);
});

test('what cannot be filled says why; what may point at nothing does', () => {
  const [must, may, root] = tables('a>b', 'c?b', 'r>r');
  assert.ok(must && may && root);
  assert.deepEqual(fillSql(must, 5, new Map()), { why: 'it points at b, which has no rows' });
  assert.deepEqual(fillSql(root, 5, new Map()), { why: 'it points at r, which has no rows' });
  assert.deepEqual(fillSql(may, 5, new Map()), {
    sql: 'INSERT INTO "public"."c" SELECT  FROM generate_series(1, 5::bigint) AS segue_n',
  });
  const filled = fillSql(must, 5, new Map([['"public"."b"', 3]]));
  assert.match('sql' in filled ? filled.sql : '', /ORDER BY "id"\) - 1 AS n.*ON segue_p0\.n = segue_n % 3$/);
});
