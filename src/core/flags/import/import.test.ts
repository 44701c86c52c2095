/** Hunts exports of other tools that become flags which mean something else, or rules that vanish without a word. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFlags } from '../../../wire/flags/parse-flags.ts';
import type { Context } from '../evaluation.ts';
import { FlagSet } from '../flag-set.ts';
import { fromGrowthBook } from './growth-book.ts';
import { fromLaunchDarkly } from './launch-darkly.ts';
import type { Translation } from './translation.ts';
import { fromUnleash } from './unleash.ts';

/** As control reads them: an import that it would refuse is none. */
function setOf({ flags }: Translation): FlagSet {
  const text = JSON.stringify({ flags });
  const { flags: found, problems } = parseFlags([{ name: 'imported.flagd.json', text }]);
  assert.deepEqual(problems, []);
  return new FlagSet(
    Object.fromEntries(Object.entries(found).map(([key, { definition }]) => [key, definition])),
  );
}

const asked = (made: Translation, flag: string, context: Context) =>
  setOf(made).evaluate(flag, context, 0).value;

/** Of a thousand users. */
function share(made: Translation, flag: string, value: unknown): number {
  const set = setOf(made);
  const users = Array.from(
    { length: 1_000 },
    (_, i) => set.evaluate(flag, { targetingKey: `user-${i}` }, 0).value,
  );
  return users.filter((one) => one === value).length / 1_000;
}

const whys = ({ left }: Translation, flag: string) =>
  left.filter((one) => one.flag === flag).map(({ why }) => why);

test('Unleash: strategies, constraints, shares and variants', () => {
  const strategy = (name: string, parameters: object, more: object = {}) => ({ name, parameters, ...more });
  const constraint = { contextName: 'country', operator: 'IN', values: ['DE', 'AT'], inverted: false };
  const made = fromUnleash({
    features: [
      { name: 'all', enabled: true, type: 'kill-switch', strategies: [strategy('default', {})] },
      { name: 'off', enabled: false, strategies: [strategy('default', {})] },
      {
        name: 'some',
        enabled: true,
        strategies: [strategy('flexibleRollout', { rollout: '30', stickiness: 'userId' })],
      },
      {
        name: 'users',
        enabled: true,
        strategies: [
          strategy('userWithId', { userIds: 'anna, bert' }),
          strategy('default', {}, { constraints: [constraint] }),
        ],
      },
      {
        name: 'odd',
        enabled: true,
        strategies: [
          strategy('remoteAddress', {}),
          strategy('default', {}, { constraints: [{ ...constraint, operator: 'DATE_AFTER' }] }),
        ],
      },
      {
        name: 'text',
        enabled: true,
        strategies: [strategy('default', {})],
        variants: [
          { name: 'red', weight: 500, payload: { type: 'string', value: '#f00' } },
          { name: 'blue', weight: 500 },
        ],
      },
    ],
  } as never);
  assert.equal(asked(made, 'all', {}), true);
  assert.equal(asked(made, 'off', {}), false);
  assert.ok(Math.abs(share(made, 'some', true) - 0.3) < 0.06);
  assert.equal(asked(made, 'users', { targetingKey: 'bert' }), true);
  assert.equal(asked(made, 'users', { targetingKey: 'carl', country: 'AT' }), true);
  assert.equal(asked(made, 'users', { targetingKey: 'carl', country: 'CH' }), false);
  assert.equal(asked(made, 'odd', {}), false);
  assert.equal(whys(made, 'odd').length, 2);
  assert.ok(Math.abs(share(made, 'text', '#f00') - 0.5) < 0.06);
});

test('LaunchDarkly: targets, rules, rollouts and prerequisites', () => {
  const clause = (attribute: string, op: string, values: unknown[], negate = false) => ({
    attribute,
    op,
    values,
    negate,
  });
  const flag = (more: object) => ({
    on: true,
    variations: [true, false],
    offVariation: 1,
    fallthrough: { variation: 1 },
    ...more,
  });
  const made = fromLaunchDarkly({
    flags: {
      targets: flag({ targets: [{ values: ['anna'], variation: 0 }] }),
      rules: flag({
        rules: [
          {
            clauses: [
              clause('email', 'endsWith', ['@a.example', '@b.example']),
              clause('plan', 'in', ['free'], true),
            ],
            variation: 0,
          },
        ],
      }),
      odd: flag({ rules: [{ clauses: [clause('x', 'matches', ['a.*'])], variation: 0 }] }),
      share: flag({
        fallthrough: {
          rollout: {
            variations: [
              { variation: 0, weight: 25_000 },
              { variation: 1, weight: 75_000 },
            ],
          },
        },
      }),
      off: flag({ on: false, fallthrough: { variation: 0 } }),
      needs: flag({ prerequisites: [{ key: 'targets', variation: 0 }], fallthrough: { variation: 0 } }),
    },
  });
  assert.equal(asked(made, 'targets', { targetingKey: 'anna' }), true);
  assert.equal(asked(made, 'rules', { email: 'x@b.example', plan: 'pro' }), true);
  assert.equal(asked(made, 'rules', { email: 'x@b.example', plan: 'free' }), false);
  assert.equal(asked(made, 'odd', { x: 'abc' }), false);
  assert.match(whys(made, 'odd').join(), /matches/);
  assert.ok(Math.abs(share(made, 'share', true) - 0.25) < 0.06);
  assert.equal(asked(made, 'off', {}), false);
  assert.equal(asked(made, 'needs', { targetingKey: 'anna' }), true);
  assert.equal(asked(made, 'needs', { targetingKey: 'bert' }), undefined);
});

test('GrowthBook: forced values, conditions, coverage and experiments', () => {
  const made = fromGrowthBook({
    features: {
      plain: { defaultValue: 'a' },
      forced: {
        defaultValue: false,
        rules: [
          {
            condition: { country: { $in: ['DE'] }, $or: [{ age: { $gte: 18 } }, { vip: true }] },
            force: true,
          },
        ],
      },
      half: { defaultValue: false, rules: [{ force: true, coverage: 0.5, hashAttribute: 'id' }] },
      test: {
        defaultValue: 'a',
        rules: [{ variations: ['a', 'b'], weights: [0.2, 0.8], hashAttribute: 'id' }],
      },
      odd: {
        defaultValue: 1,
        rules: [
          { condition: { name: { $regex: '^x' } }, force: 2 },
          { namespace: ['n', 0, 1], force: 3 },
        ],
      },
    },
  });
  assert.equal(asked(made, 'plain', {}), 'a');
  assert.equal(asked(made, 'forced', { country: 'DE', age: 20, vip: false }), true);
  assert.equal(asked(made, 'forced', { country: 'DE', age: 7, vip: false }), false);
  assert.ok(Math.abs(share(made, 'half', true) - 0.5) < 0.06);
  assert.ok(Math.abs(share(made, 'test', 'b') - 0.8) < 0.06);
  assert.equal(asked(made, 'odd', { name: 'xy' }), 1);
  assert.equal(whys(made, 'odd').length, 2);
});
