/** Hunts a gateway that takes more clients than its descriptors allow, or none at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../core/limits.ts';
import { clientsFor, descriptorsMax } from './descriptors.ts';

test('clients and what they need fit, and there is always room for some', () => {
  assert.equal(clientsFor(Infinity), limits.gateway.connectionsMax);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2_000_000 }), (descriptors) => {
      const clients = clientsFor(descriptors);
      assert.ok(clients >= limits.gateway.connectionsMin && clients <= limits.gateway.connectionsMax);
      if (clients > limits.gateway.connectionsMin)
        assert.ok(3 * clients + limits.gateway.descriptorsKept <= descriptors);
    }),
  );
});

test('the limit of this process is read', () => {
  assert.ok(descriptorsMax() >= 64);
});
