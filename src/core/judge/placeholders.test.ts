/** Hunts values that break out of the quotes they are put between, and ranges of PromQL that are overlooked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anyOf, escapeForPromQl, fill, longestRangeMs, placeholdersIn } from './placeholders.ts';

test('names are filled in where they stand, and others stay', () => {
  const values = { version: 'v2', service: 'web' };
  const filled = fill('a{v="{{version}}",s="{{ service }}",o="{{other}}"}', values, escapeForPromQl);
  assert.equal(filled, 'a{v="v2",s="web",o="{{other}}"}');
  assert.deepEqual(placeholdersIn('{{version}} {{ x }} {{}}'), ['version', 'x']);
  assert.equal(fill('{{constructor}}', values, String), '{{constructor}}');
});

test('what is filled in stays between its quotes', () => {
  const filled = fill('up{v="{{version}}"}', { version: 'a"} or up{v="\\\n' }, escapeForPromQl);
  assert.equal(filled, String.raw`up{v="a\"} or up{v=\"\\\n"}`);
  assert.equal(
    fill('http://a/?v={{version}}', { version: 'a&b=c d' }, encodeURIComponent),
    'http://a/?v=a%26b%3Dc%20d',
  );
});

test('a list of instances matches them and nothing else', () => {
  const pattern = new RegExp(`^(?:${anyOf(['127.0.0.1:80', '[::1]:80', 'web-r1+2-1'])})$`);
  for (const text of ['127.0.0.1:80', '[::1]:80', 'web-r1+2-1']) assert.match(text, pattern);
  for (const text of ['127x0.0.1:80', '::1:80', 'web-r11-1']) assert.doesNotMatch(text, pattern);
});

test('how far a query looks back is its widest range', () => {
  assert.equal(longestRangeMs('up'), 0);
  assert.equal(longestRangeMs('sum(rate(a[1m])) / sum(rate(b[5m]))'), 300_000);
  assert.equal(longestRangeMs('max_over_time(rate(a[30s])[1h30m:1m])'), 5_400_000);
  assert.equal(longestRangeMs('a["x"]'), 0);
});
