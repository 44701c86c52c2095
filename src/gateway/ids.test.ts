/** Hunts two requests with one id, ids that give the next one away, and an id that is another one when asked again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RequestIds } from './ids.ts';

const ids = new RequestIds(Int32Array.of(-1, 7, 11, -13, 17, 19));

test('an id is 32 digits, the same whenever it is asked for', () => {
  const serial = ids.next();
  assert.match(ids.text(serial), /^ffffffff00000007[0-9a-f]{16}$/);
  const bytes = Buffer.alloc(20, '.');
  ids.write(serial, bytes, 2);
  assert.equal(bytes.toString(), `..${ids.text(serial).slice(16)}..`);
});

test('no two requests share one, and neighbours have nothing in common', () => {
  const seen = new Set<string>();
  for (let i = 0; i < 20_000; i += 1) seen.add(ids.text(ids.next()));
  assert.equal(seen.size, 20_000);
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 0, max: 2 ** 53 - 2 }), (small, large) => {
      for (const serial of [small, large]) {
        const [one, next] = [ids.text(serial), ids.text(serial + 1)];
        let same = 0;
        for (let at = 16; at < 32; at += 1) if (one[at] === next[at]) same += 1;
        assert.ok(same <= 8, `${one} ${next}`);
      }
    }),
  );
});
