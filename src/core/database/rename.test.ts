/** Hunts a column that is taken for a word that only looks like it, or that is not found as a person writes it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mentions } from './rename.ts';

test('an expression speaks of a column by its name, in any case where it has no quotes', () => {
  for (const expression of ['loud || 1', 'lower(LOUD)', 't.loud', '"loud"', "'x' || loud", 'loud::text'])
    assert.ok(mentions(expression, 'loud'), expression);
  for (const expression of ["'loud'", 'loud(a)', 'a::loud', 'louder', '"Loud"', "'it''s loud'"])
    assert.ok(!mentions(expression, 'loud'), expression);
  assert.ok(mentions('"Loud" || 1', 'Loud'));
  assert.ok(!mentions('Loud || 1', 'Loud'));
});
