/** Hunts keys that move although their instance stays, and an instance that gets much more than its part. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hashOf, rendezvous } from './hash.ts';

const hashOfText = (text: string) => hashOf(text);
const names = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 10 });

test('one that leaves moves only its own keys; the order says nothing', () => {
  fc.assert(
    fc.property(names, fc.string(), fc.nat(), (all, key, at) => {
      const home = rendezvous(hashOf(key), all, hashOfText);
      assert.equal(rendezvous(hashOf(key), all.toReversed(), hashOfText), home);
      const gone = all[at % all.length];
      const left = all.filter((one) => one !== gone);
      if (gone !== home) assert.equal(rendezvous(hashOf(key), left, hashOfText), home);
    }),
  );
  assert.equal(rendezvous(1, [], hashOfText), undefined);
});

test('keys spread over all, whatever the salt', () => {
  for (const salt of [0, 1, 0xdeadbeef]) {
    const counts = new Map<string, number>();
    const instances = ['web-1', 'web-2', 'web-3', 'web-4'];
    for (let user = 0; user < 4_000; user += 1) {
      const home = rendezvous(hashOf(`user-${user}`, salt), instances, hashOfText) ?? '';
      counts.set(home, (counts.get(home) ?? 0) + 1);
    }
    for (const count of counts.values()) assert.ok(Math.abs(count - 1_000) < 150, String(count));
  }
  assert.notEqual(hashOf('a', 1), hashOf('a', 2));
});
