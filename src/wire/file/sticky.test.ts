/** Hunts a `sticky` that means something else than it says, or that says two things at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sticky } from './sticky.ts';

test('a cookie of the gateway, or a hash of what requests carry', () => {
  const byCookie = { type: 'cookie', name: 'segue', ttlMs: 3_600_000 };
  assert.deepEqual(sticky.parse({ cookie: 'segue', ttl: '1h' }), byCookie);
  assert.deepEqual(sticky.parse({}), byCookie);
  const ofHash = (hash: object) => sticky.parse({ hash });
  assert.deepEqual(ofHash({ header: 'X-User' }), { type: 'hash', of: { type: 'header', name: 'x-user' } });
  assert.deepEqual(ofHash({ cookie: 'sid' }), { type: 'hash', of: { type: 'cookie', name: 'sid' } });
  assert.deepEqual(ofHash({ address: true }), { type: 'hash', of: { type: 'address' } });
});

test('what says nothing, or two things, is refused', () => {
  for (const wrong of [
    { cookie: 'a b' },
    { cookie: 'a;b' },
    { cookie: 'x'.repeat(65) },
    { ttl: '10ms' },
    { hash: {} },
    { hash: { header: 'a', cookie: 'b' } },
    { hash: { address: true }, cookie: 'a' },
    'yes',
  ]) {
    assert.equal(sticky.safeParse(wrong).success, false, JSON.stringify(wrong));
  }
});
