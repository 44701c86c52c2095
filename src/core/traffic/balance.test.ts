/** Hunts a balance that favours the first instance, or goes to a busy one while another is free. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { leastLoaded } from './balance.ts';

test('ties rotate', () => {
  const picked = [0, 1, 2, 3].map((turn) => leastLoaded(['a', 'b', 'c'], () => 7, turn));
  assert.deepEqual(picked, ['a', 'b', 'c', 'a']);
});

test('nobody has less than the one picked', () => {
  const loads = fc.array(fc.nat(5), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(loads, fc.nat(), (all, turn) => {
      assert.equal(
        leastLoaded(all, (load) => load, turn),
        Math.min(...all),
      );
    }),
  );
  assert.equal(
    leastLoaded([], () => 0, 3),
    undefined,
  );
});
