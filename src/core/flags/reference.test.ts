/**
 * Hunts an evaluator of ours that gives another answer than flagd's own: over random rules and contexts, both have
 * to give the same variant, value and reason. What ours refuses or the reference cannot do is named in the test.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EvaluationContext } from '@openfeature/core';
import { FlagdCore } from '@openfeature/flagd-core';
import fc from 'fast-check';
import type { FlagDefinition } from './definition.ts';
import { FlagSet } from './flag-set.ts';
import type { Json, JsonObject } from './json.ts';
import { murmur3 } from './murmur.ts';
import { chosen } from './fractional.ts';

const quiet = { error() {}, warn() {}, info() {}, debug() {} };
const NOW_MS = 1_700_000_000_000;

const NAMES = [
  'email',
  'age',
  'version',
  'tags',
  'user.name',
  'user.plan',
  'gone',
  'zero',
  'list',
  'targetingKey',
];
const TEXTS = [
  'a@shop.example',
  'b@other.example',
  '@shop.example',
  '1.2.3',
  'v2',
  '1.10',
  '',
  '0',
  '17',
  'on',
  'off',
  'é',
  'ключ',
];

const text = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ maxLength: 6 }));
const leaf = fc.oneof(
  text,
  fc.integer({ min: -3, max: 30 }),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom(0.5, 1.25, 17),
);

const contextValue = fc.oneof(
  leaf,
  fc.array(fc.oneof(text, fc.integer({ min: 0, max: 9 })), { maxLength: 3 }),
  fc.record({ name: text, plan: leaf }, { requiredKeys: [] }),
);
const context = fc
  .record(
    {
      email: text,
      age: fc.oneof(fc.integer({ min: 0, max: 99 }), text),
      version: fc.constantFrom('1.2.3', '2.0.0-rc.1', '2.0.0', 'v1', 'x', 1.2, 2),
      tags: fc.array(text, { maxLength: 3 }),
      user: fc.record({ name: text, plan: leaf }, { requiredKeys: [] }),
      zero: contextValue,
      list: fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 4 }),
      targetingKey: fc.oneof(text, fc.uuid()),
    },
    { requiredKeys: [] },
  )
  .map((made) => JSON.parse(JSON.stringify(made)) as JsonObject);

const variable: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom(...NAMES).map((name) => ({ var: name })),
  fc.constantFrom(...NAMES).map((name) => ({ var: [name] })),
  fc.tuple(fc.constantFrom(...NAMES), leaf).map(([name, fallback]) => ({ var: [name, fallback] })),
  fc.constantFrom('$flagd.flagKey', '$flagd.gone').map((name) => ({ var: name })),
);

const { rule } = fc.letrec<{ rule: Json; args: Json[]; item: Json }>((tie) => ({
  args: fc.array(tie('rule'), { minLength: 1, maxLength: 4 }),
  /** Inside of lists the reference has no operators of flagd, so none are made there. */
  item: fc.oneof(
    { weight: 2, arbitrary: fc.constant<Json>({ var: '' }) },
    fc
      .tuple(fc.constantFrom('==', '!=', '<', '>='), leaf)
      .map(([op, to]): Json => ({ [op]: [{ var: '' }, to] })),
    fc.tuple(text).map(([part]): Json => ({ in: [part, { var: '' }] })),
  ),
  rule: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    variable,
    fc.tuple(fc.constantFrom('if', 'and', 'or'), tie('args')).map(([op, args]): Json => ({ [op]: args })),
    fc
      .tuple(fc.constantFrom('==', '!=', '===', '!==', '<', '<=', '>', '>='), tie('rule'), tie('rule'))
      .map(([op, a, b]): Json => ({ [op]: [a, b] })),
    fc
      .tuple(fc.constantFrom('<', '<='), tie('rule'), variable, tie('rule'))
      .map(([op, a, b, c]): Json => ({ [op]: [a, b, c] })),
    fc.tuple(fc.constantFrom('!', '!!'), tie('rule')).map(([op, a]): Json => ({ [op]: [a] })),
    fc.tuple(fc.constantFrom('!', '!!'), variable).map(([op, a]): Json => ({ [op]: a })),
    fc
      .tuple(fc.constantFrom('+', '-', '*', '/'), variable, tie('rule'))
      .map(([op, a, b]): Json => ({ [op]: [a, b] })),
    fc
      .tuple(
        fc.constantFrom('min', 'max'),
        fc.array(fc.oneof(variable, fc.integer()), { minLength: 1, maxLength: 3 }),
      )
      .map(([op, args]): Json => ({ [op]: args })),
    fc.tuple(variable, fc.integer({ min: 1, max: 5 })).map(([a, b]): Json => ({ '%': [a, b] })),
    fc.tuple(tie('rule'), fc.array(leaf, { maxLength: 3 })).map(([a, all]): Json => ({ in: [a, all] })),
    fc.tuple(tie('rule'), variable).map(([a, b]): Json => ({ in: [a, b] })),
    fc.array(fc.oneof(text, variable), { minLength: 2, maxLength: 3 }).map((cat): Json => ({ cat })),
    fc
      .tuple(variable, fc.integer({ min: -4, max: 4 }), fc.integer({ min: -4, max: 4 }))
      .map((substr): Json => ({ substr })),
    fc
      .tuple(fc.constantFrom('starts_with', 'ends_with'), tie('rule'), tie('rule'))
      .map(([op, a, b]): Json => ({ [op]: [a, b] })),
    fc
      .tuple(
        variable,
        fc.constantFrom('=', '!=', '<', '<=', '>', '>=', '^', '~', '?'),
        fc.constantFrom('1.2.3', '2.0.0', 'v1', '1.2', 'x'),
      )
      .map((args): Json => ({ sem_ver: args })),
    fc.array(fc.constantFrom(...NAMES), { maxLength: 3 }).map((missing): Json => ({ missing })),
    fc
      .tuple(fc.integer({ min: 0, max: 3 }), fc.array(fc.constantFrom(...NAMES), { maxLength: 3 }))
      .map((args): Json => ({ missing_some: args })),
    fc
      .tuple(
        fc.constantFrom('map', 'filter', 'all', 'some', 'none'),
        fc.constantFrom('tags', 'list', 'gone'),
        tie('item'),
      )
      .map(([op, name, item]): Json => ({ [op]: [{ var: name }, item] })),
    fc.constant<Json>({
      reduce: [{ var: 'list' }, { '+': [{ var: 'current' }, { var: 'accumulator' }] }, 0],
    }),
    fc
      .array(
        fc.tuple(
          fc.oneof(fc.constantFrom('on', 'off', 'blue'), tie('rule')),
          fc.integer({ min: -2, max: 100 }),
        ),
        { minLength: 1, maxLength: 4 },
      )
      .map((fractional): Json => ({ fractional })),
    fc
      .tuple(
        tie('rule'),
        fc.array(
          fc.tuple(
            fc.constantFrom('on', 'off', 'blue'),
            fc.oneof(fc.integer({ min: 0, max: 100 }), fc.nat(2_147_483_647)),
          ),
          { minLength: 1, maxLength: 3 },
        ),
      )
      .map(([by, buckets]): Json => ({ fractional: [by, ...buckets] })),
    fc
      .tuple(
        fc.constantFrom('email', 'user.name'),
        fc.array(
          fc.constantFrom('on', 'off', 'blue').map((variant): Json => [variant]),
          { minLength: 1, maxLength: 3 },
        ),
      )
      .map(([name, buckets]): Json => ({
        fractional: [{ cat: [{ var: '$flagd.flagKey' }, { var: name }] }, ...buckets],
      })),
  ),
}));

const targeting = fc.oneof(
  rule.filter((one): one is JsonObject => typeof one === 'object' && one !== null && !Array.isArray(one)),
  fc.tuple(rule, rule).map(([a, b]): JsonObject => ({ if: [a, 'on', b, 'blue', 'off'] })),
);

const VARIANTS = { on: 'yes', off: 'no', blue: 'blue', true: 'true!', false: 'false!', '1': 'one' };

function reference(definition: FlagDefinition, given: JsonObject) {
  const core = new FlagdCore(undefined, quiet);
  core.setConfigurations(JSON.stringify({ flags: { 'a-flag': definition } }));
  const { value, variant, reason, errorCode } = core.resolveStringEvaluation(
    'a-flag',
    'code',
    given as unknown as EvaluationContext,
    quiet,
  );
  // Whether a rule that cannot work is found when it is read or when it is asked makes no difference to users.
  return { value, variant, reason, fails: errorCode !== undefined };
}

function ours(definition: FlagDefinition, given: JsonObject) {
  const { value, variant, reason, error } = new FlagSet({ 'a-flag': definition }).evaluate(
    'a-flag',
    given,
    NOW_MS,
  );
  return {
    value: value ?? 'code',
    variant: variant ?? undefined,
    reason: reason === 'SPLIT' ? 'TARGETING_MATCH' : reason,
    fails: error !== null,
  };
}

test('random rules mean what they mean to flagd', () => {
  let decided = 0;
  fc.assert(
    fc.property(targeting, context, fc.constantFrom('off', null), (rules, given, defaultVariant) => {
      const definition: FlagDefinition = {
        state: 'ENABLED',
        variants: VARIANTS,
        defaultVariant,
        targeting: rules,
        metadata: {},
      };
      const expected = reference(definition, given);
      if (expected.reason === 'TARGETING_MATCH') decided += 1;
      assert.deepEqual(ours(definition, given), expected);
    }),
    { numRuns: 3_000 },
  );
  assert.ok(decided > 750, `only ${decided} rules decided anything`);
});

test('texts land where flagd puts them, whatever they are made of and however the weights are', () => {
  const weights = fc.array(fc.nat(715_827_882), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.uuid()),
      weights,
      (key, all) => {
        const fractional = all.map((weight, i): Json => [['on', 'off', 'blue'][i] ?? '', weight]);
        const definition: FlagDefinition = {
          state: 'ENABLED',
          variants: VARIANTS,
          defaultVariant: null,
          targeting: { fractional: [{ var: 'k' }, ...fractional] },
          metadata: {},
        };
        assert.deepEqual(ours(definition, { k: key }), reference(definition, { k: key }));
      },
    ),
    { numRuns: 2_000 },
  );
});

test('known hashes of MurmurHash3', () => {
  assert.equal(murmur3(''), 0);
  assert.equal(murmur3('hello'), 0x248bfa47);
  assert.equal(murmur3('The quick brown fox jumps over the lazy dog'), 0x2e4ff723);
  assert.equal(chosen({ variants: ['a', 'b'], ends: [0, 0], total: 0 }, 'x'), null);
});
