/**
 * Hunts users who get another variant than they had: where 10,000 of them land was recorded once, and has to be the
 * same with every later Segue. A change here is a promise broken, never a test to be brought up to date.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { FlagDefinition } from './definition.ts';
import { FlagSet } from './flag-set.ts';
import type { JsonObject } from './json.ts';

const VARIANTS = { a: 'a', b: 'b', c: 'c' };
const flag = (targeting: JsonObject): FlagDefinition => ({
  ...{ state: 'ENABLED', variants: VARIANTS, defaultVariant: 'a', metadata: {} },
  targeting,
});

const SET = new FlagSet({
  halves: flag({
    fractional: [
      ['a', 50],
      ['b', 50],
    ],
  }),
  'checkout-v2': flag({
    fractional: [
      ['a', 1],
      ['b', 9],
      ['c', 90],
    ],
  }),
  shared: flag({
    fractional: [{ cat: ['a seed of its own', { var: 'targetingKey' }] }, ['a', 1], ['b', 1], ['c', 1]],
  }),
});

/** As they were recorded: a digest of all, and the first of them to look at. */
const RECORDED = {
  halves: {
    first: 'babbbbbabaabaaabaaabbaabaaabbbbabbaabaaaabaabaabaabbbbabbbbb',
    digest: 'b408b0ed8ad2a370fe1f20c58cadfb547370907d59883b5964fd63b23c6fec63',
  },
  'checkout-v2': {
    first: 'ccccccacccbcccccccccccccccbacccccbccccccbcccccbcccccccbccccc',
    digest: '50507bc5a784afbf2723ba0eccb6d293915bd9b93b5152ae82cf55a2b2fcbea7',
  },
  shared: {
    first: 'bacccabbabcbcbbacacbbabbaaacabcbbabbbbccbcabacbbacaacabcbcba',
    digest: 'dd1d68074d1e3ea1913ebf68089dbd2398d22fe900c8d8b863bad59f6b532dd0',
  },
} as const;

function assignments(key: string): string {
  let text = '';
  for (let user = 0; user < 10_000; user += 1) {
    const name = user % 10 === 0 ? `användare-${user}@exämple` : `user-${user}`;
    text += SET.evaluate(key, { targetingKey: name }, 0).variant ?? '-';
  }
  return text;
}

for (const [key, { first, digest }] of Object.entries(RECORDED))
  test(`10,000 users of "${key}" are where they were`, () => {
    const all = assignments(key);
    assert.equal(all.slice(0, 60), first);
    assert.equal(createHash('sha256').update(all).digest('hex'), digest);
  });
