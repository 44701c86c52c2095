/** Hunts a check that is read as allowing what it refuses, and one that cannot be read and is believed all the same. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { boundsOf, UNBOUND } from './checks.ts';

const read = (definition: string, columns = ['x']) => boundsOf('x', [{ columns, definition }]);

test('what PostgreSQL writes back of a check is read where it is about one column', () => {
  assert.deepEqual(read('CHECK ((x > 0))'), { ...UNBOUND, min: 1 });
  assert.deepEqual(read('CHECK (((x >= 18) AND (x < 30)))'), { ...UNBOUND, min: 18, max: 29 });
  assert.deepEqual(read('CHECK ((x < 200)) NOT VALID'), { ...UNBOUND, max: 199 });
  assert.deepEqual(read("CHECK ((x > ('-3.5'::numeric)::double precision))"), { ...UNBOUND, min: -2.5 });
  assert.deepEqual(read('CHECK ((length(x) <= 10))'), { ...UNBOUND, lengthMax: 10 });
  assert.deepEqual(read('CHECK ((char_length((x)::text) < 5))'), { ...UNBOUND, lengthMax: 4 });
  assert.deepEqual(read("CHECK ((x = ANY (ARRAY['a'::text, 'it''s'::text])))").oneOf, ['a', "it's"]);
  assert.deepEqual(
    read("CHECK (((x)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))").oneOf,
    ['a', 'b'],
  );
  assert.deepEqual(read('CHECK ((x = ANY (ARRAY[1, 2])))').oneOf, ['1', '2']);
});

test('what cannot be read says nothing', () => {
  for (const definition of [
    'CHECK (((x > 0) OR (x < -5)))',
    'CHECK (((x % 2) = 0))',
    "CHECK ((x <> ''::text))",
    "CHECK ((x ~ '^a'::text))",
    'CHECK (false)',
  ])
    assert.deepEqual(read(definition), UNBOUND, definition);
  assert.deepEqual(read('CHECK ((x > y))', ['x', 'y']), UNBOUND);
  assert.deepEqual(boundsOf('y', [{ columns: ['x'], definition: 'CHECK ((x > 0))' }]), UNBOUND);
});

test('several checks hold together', () => {
  const checks = ['CHECK ((x > 0))', 'CHECK ((x >= 5))', 'CHECK ((x <= 9))'].map((definition) => ({
    ...{ columns: ['x'], definition },
  }));
  assert.deepEqual(boundsOf('x', checks), { ...UNBOUND, min: 5, max: 9 });
});
