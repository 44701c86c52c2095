/** Hunts a `when` that means more requests than it says, and one that says nothing and so means all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { when } from './when.ts';

const beta = { type: 'header', name: 'X-Beta', value: { type: 'exact', text: 'true' } };

test('several keys mean all of them, a list means any of its items', () => {
  assert.deepEqual(when.parse({ header: { 'X-Beta': true } }), beta);
  assert.deepEqual(when.parse({ path: ['/a', '/*/b'], country: 'de', not: { header: { 'X-Beta': true } } }), {
    type: 'all',
    of: [
      {
        type: 'any',
        of: [
          { type: 'path', path: { type: 'prefix', text: '/a' } },
          { type: 'path', path: { type: 'glob', text: '/*/b' } },
        ],
      },
      { type: 'country', countries: ['DE'] },
      { type: 'not', match: beta },
    ],
  });
});

test('any: each item with all that it says', () => {
  const any = [{ network: '10.0.0.0/8' }, { method: ['get', 'HEAD'], host: '*.Shop.test' }];
  assert.deepEqual(when.parse({ any }), {
    type: 'any',
    of: [
      { type: 'network', networks: ['10.0.0.0/8'] },
      {
        type: 'all',
        of: [
          { type: 'host', host: '*.shop.test' },
          { type: 'method', methods: ['GET', 'HEAD'] },
        ],
      },
    ],
  });
});

test('what says nothing, or what cannot be, is refused', () => {
  for (const wrong of [
    {},
    { any: [] },
    { any: [{}] },
    { not: {} },
    { header: {} },
    { network: '10.0.0.1/8' },
    { country: 'Germany' },
    { path: 'api' },
    { query: { v: 'x'.repeat(501) } },
  ]) {
    assert.equal(when.safeParse(wrong).success, false, JSON.stringify(wrong));
  }
});
