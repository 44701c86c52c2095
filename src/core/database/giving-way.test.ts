/** Hunts a backfill that slows users down, one that never gets its speed back, and one that stands still for nobody. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GivingWay } from './giving-way.ts';

const seen = (p99Ms: number, requests = 100) => ({ requests, p99Ms });

test('it gives way at once when users get slower than they were, and comes back when they are not', () => {
  const way = new GivingWay(null);
  way.before(seen(10));
  assert.equal(way.speed, 1);
  for (const expected of [0.5, 0.25, 0.125]) {
    way.look(seen(13));
    assert.equal(way.speed, expected);
  }
  for (let i = 0; i < 50; i += 1) way.look(seen(30));
  assert.ok(way.speed > 0 && way.speed < 0.05, 'it goes on all the same');
  for (let i = 0; i < 50; i += 1) way.look(seen(11));
  assert.equal(way.speed, 1);
});

test('what the judge lets no version be slower than counts even where users were slow before', () => {
  const way = new GivingWay(100);
  way.before(seen(200));
  way.look(seen(150));
  assert.ok(way.speed < 1);
});

test('too few requests say nothing: there is nobody to give way to', () => {
  const way = new GivingWay(null);
  way.before(seen(1, 3));
  way.before({ requests: 0, p99Ms: null });
  way.look(seen(500));
  assert.equal(way.speed, 1, 'nothing is known of before');
  way.before(seen(10));
  way.look(seen(500));
  way.look(seen(500, 2));
  assert.equal(way.speed, 1);
});
