/** Hunts a suggestion that is wrong: a key far from the one typed, a place that does not take it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { describeUnknownKey, editDistance, nearest } from './suggest.ts';

test('the edit distance counts insertions, deletions, replacements and swaps', () => {
  assert.equal(editDistance('traffic', 'trafic'), 1);
  assert.equal(editDistance('ab', 'ba'), 1);
  assert.equal(editDistance('', 'abc'), 3);
  const word = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      assert.equal(distance, editDistance(b, a));
      assert.equal(distance === 0, a === b);
      assert.ok(distance >= Math.abs(a.length - b.length) && distance <= Math.max(a.length, b.length));
    }),
  );
});

test('what is far from every word suggests none', () => {
  assert.equal(nearest('redyness', ['liveness', 'readiness']), 'readiness');
  assert.equal(nearest('colour', ['run', 'files']), undefined);
});

test('a key that other maps take is sent to the nearest of them', () => {
  const web = ['services', 'web'];
  assert.equal(describeUnknownKey(web, 'command'), 'unknown key here; it belongs under run');
  assert.equal(
    describeUnknownKey(web, 'timeout'),
    'unknown key here; it belongs under health.liveness or under health.readiness',
  );
  assert.equal(
    describeUnknownKey([...web, 'traffic'], 'liveness'),
    'unknown key here; it belongs under services.web.health',
  );
  assert.equal(
    describeUnknownKey([...web, 'strategy'], 'instances'),
    'unknown key here; it belongs under services.web',
  );
  assert.match(
    describeUnknownKey(web, 'qqqq'),
    /^unknown key; expected one of kind, run, files, instances, /,
  );
});
