/**
 * Hunts an instance that is put out for one bad moment, one that never gets out or never comes back, a second
 * request that slips in while the first one finds out, and a service left without anybody to serve it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Ejection, mayEject } from './ejection.ts';

const POLICY = { failures: 3, forMs: 1_000 };

/** Fails until it is out; says how many failures that took. */
function failOut(ejection: Ejection, nowMs: number): number {
  for (let failures = 1; failures <= 100; failures += 1) {
    if (!ejection.failed(false, nowMs)) continue;
    ejection.eject(nowMs);
    return failures;
  }
  throw new Error('it never got out');
}

test('failures in a row put it out, a success in between does not count together', () => {
  const ejection = new Ejection(POLICY);
  for (let i = 0; i < 10; i += 1) {
    assert.equal(ejection.failed(false, i), false);
    assert.equal(ejection.failed(false, i), false);
    for (let n = 0; n < 5; n += 1) ejection.succeeded(false, i);
  }
  assert.equal(ejection.standing, 'in');
  assert.equal(failOut(ejection, 20), 3);
  assert.equal(ejection.standing, 'out');
});

test('a share of failures puts it out although none follow each other, but not of a few requests', () => {
  const ejection = new Ejection(POLICY);
  const outcomes: boolean[] = [];
  for (let i = 0; i < 12; i += 1) {
    outcomes.push(ejection.failed(false, i));
    ejection.succeeded(false, i);
  }
  assert.equal(outcomes.indexOf(true), 10, 'with the 21st request');
});

test('what failed long ago is not added to what fails now', () => {
  const ejection = new Ejection({ failures: 1_000, forMs: 1_000 });
  for (let i = 0; i < 15; i += 1) assert.equal(ejection.failed(false, 0), false);
  for (let i = 0; i < 15; i += 1) assert.equal(ejection.failed(false, 10_000), false);
});

test('one request finds out, and what it finds decides', () => {
  const ejection = new Ejection(POLICY);
  failOut(ejection, 0);
  assert.equal(ejection.mayProbe(999), false);
  assert.equal(ejection.mayProbe(1_000), true);
  ejection.probe();
  assert.equal(ejection.mayProbe(5_000), false, 'no second one');
  ejection.succeeded(false, 1_001);
  assert.equal(ejection.standing, 'probing', 'a request from before says nothing');
  ejection.undecided();
  assert.equal(ejection.mayProbe(1_002), true, 'its client left');
  ejection.probe();
  ejection.failed(true, 1_100);
  assert.equal(ejection.standing, 'out');
  assert.equal(ejection.mayProbe(3_099), false, 'twice as long the second time');
  assert.equal(ejection.mayProbe(3_100), true);
  ejection.probe();
  ejection.succeeded(true, 3_200);
  assert.equal(ejection.standing, 'in');
  assert.equal(failOut(ejection, 3_300), 3);
  assert.equal(ejection.mayProbe(7_299), false, 'it was well for a moment only');
  assert.equal(ejection.mayProbe(7_300), true);
});

test('time out is bounded, and forgotten after a long good time', () => {
  const ejection = new Ejection(POLICY);
  failOut(ejection, 0);
  let nowMs = 0;
  for (let i = 0; i < 20; i += 1) {
    nowMs += 16_000;
    assert.equal(ejection.mayProbe(nowMs), true);
    ejection.probe();
    ejection.failed(true, nowMs);
  }
  nowMs += 16_000;
  ejection.probe();
  ejection.succeeded(true, nowMs);
  nowMs += 120_000;
  failOut(ejection, nowMs);
  assert.equal(ejection.mayProbe(nowMs + 1_000), true);
});

test('without a policy nothing is put out, and what was out is in', () => {
  const ejection = new Ejection(POLICY);
  failOut(ejection, 0);
  ejection.policy = null;
  assert.equal(ejection.standing, 'in');
  for (let i = 0; i < 100; i += 1) assert.equal(ejection.failed(false, i), false);
});

test('never the last one, and never more than half', () => {
  fc.assert(
    fc.property(fc.nat(200), (peers) => {
      let out = 0;
      while (mayEject(peers, out)) out += 1;
      assert.ok(out === 0 || (out < peers && out * 2 <= peers));
      if (peers >= 2) assert.ok(out >= 1);
    }),
  );
});
