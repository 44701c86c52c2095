/** Hunts keys that are counted twice, by two counters or after one began anew, and more keys than there were. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashOf } from './hash.ts';
import {
  countKeys,
  KEY_BITS,
  KEY_CHARS_MAX,
  KEY_TEXT,
  keysBeyond,
  KeySketch,
  mergeKeys,
} from './key-sketch.ts';

function sketchOf(from: number, to: number): KeySketch {
  const sketch = new KeySketch();
  for (let key = from; key < to; key += 1) sketch.add(hashOf(`user-${key}`));
  return sketch;
}

test('never more than there were, and nearly as many while they are few', () => {
  for (const keys of [0, 1, 10, 500, 2_000, 50_000]) {
    const counted = countKeys(sketchOf(0, keys).text);
    assert.ok(counted <= Math.min(keys, KEY_BITS), `${counted} of ${keys}`);
    // The share of bits that n keys set is 1 - e^(-n / bits).
    assert.ok(counted >= 0.95 * KEY_BITS * -Math.expm1(-keys / KEY_BITS), `${counted} of ${keys}`);
  }
});

test('who comes again is nobody new, whoever counts', () => {
  const sketch = sketchOf(0, 100);
  assert.equal(sketch.add(hashOf('user-7')), false);
  const [one, other] = [sketchOf(0, 60).text, sketchOf(40, 100).text];
  assert.equal(mergeKeys(one, other), sketch.text);
  assert.equal(mergeKeys(mergeKeys(one, other), one), sketch.text);
  assert.equal(mergeKeys(undefined, one), one);
});

test('those that came since', () => {
  const [before, now] = [sketchOf(0, 60).text, sketchOf(0, 100).text];
  const since = keysBeyond(before, now);
  assert.equal(countKeys(since), countKeys(now) - countKeys(before));
  assert.equal(mergeKeys(before, since), now);
  assert.equal(keysBeyond(now, now), '');
  assert.equal(keysBeyond(undefined, now), now);
});

test('as text it is what a report may carry, and what is none is nobody', () => {
  const { text } = sketchOf(0, 5_000);
  assert.match(text, KEY_TEXT);
  assert.ok(text.length <= KEY_CHARS_MAX);
  assert.equal(new KeySketch().text, '');
  assert.equal(countKeys('###'), 0);
});
