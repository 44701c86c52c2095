/**
 * Hunts a roll-out that moves users back and forth, gives a variant to whom a rule gives another one or to more than
 * it says, or means something else to flagd's own evaluator than to ours.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlagdCore } from '@openfeature/flagd-core';
import fc from 'fast-check';
import type { FlagDefinition } from './definition.ts';
import type { Context } from './evaluation.ts';
import { Flag } from './flag.ts';
import type { JsonObject } from './json.ts';
import { groundOf, markOf, SHARED_OUT, type Shared, sharedOut } from './share.ts';

const flagOf = (targeting: JsonObject | null, change: Partial<FlagDefinition> = {}): FlagDefinition => ({
  state: 'ENABLED',
  variants: { on: true, off: false, beta: 'b' },
  defaultVariant: 'off',
  targeting,
  metadata: {},
  ...change,
});

const STAFF: JsonObject = { ends_with: [{ var: 'targetingKey' }, '7'] };
const split = (...shares: [string, number][]): JsonObject => ({ fractional: shares });

/** What users of a flag may have now, and who of them is asked for by a rule: those whose name ends with a 7. */
const GROUNDS: Readonly<Record<string, { flag: FlagDefinition; to: string; from: string }>> = {
  'no rules': { flag: flagOf(null), to: 'on', from: 'off' },
  'a rule without an else': { flag: flagOf({ if: [STAFF, 'beta'] }), to: 'on', from: 'off' },
  'a rule with an else': { flag: flagOf({ if: [STAFF, 'beta', 'off'] }), to: 'on', from: 'off' },
  'an else that is not the default': {
    flag: flagOf({ if: [STAFF, 'beta', 'on'] }, { defaultVariant: 'beta' }),
    ...{ to: 'off', from: 'on' },
  },
  'an else of nothing': { flag: flagOf({ if: [STAFF, 'beta', null] }), to: 'on', from: 'off' },
  'what a roll-out has left': {
    flag: flagOf({ or: [{ if: [STAFF, 'beta'] }, 'on'] }),
    ...{ to: 'off', from: 'on' },
  },
  'rules in rules': {
    flag: flagOf({ if: [STAFF, 'beta', { if: [{ '==': [{ var: 'x' }, 1] }, 'beta', 'off'] }] }),
    ...{ to: 'on', from: 'off' },
  },
  'a rule that gives what is rolled out': { flag: flagOf({ if: [STAFF, 'on'] }), to: 'on', from: 'off' },
  'shares already': { flag: flagOf(split(['on', 1], ['off', 19])), to: 'on', from: 'off' },
  'shares the other way round': { flag: flagOf(split(['off', 95], ['on', 5])), to: 'on', from: 'off' },
  'shares in an else': {
    flag: flagOf({ if: [STAFF, 'beta', split(['on', 5], ['off', 95])] }),
    ...{ to: 'on', from: 'off' },
  },
  'shares with another default': {
    flag: flagOf(split(['on', 5], ['off', 95]), { defaultVariant: 'beta' }),
    ...{ to: 'off', from: 'on' },
  },
};

const given = (definition: FlagDefinition, context: Context) =>
  new Flag('checkout-v2', definition).evaluate(context, 0).variant;

function shared(definition: FlagDefinition, by: Shared): FlagDefinition {
  const made = sharedOut(definition, by);
  assert.ok(made, 'it can be shared out');
  return made;
}

const users = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 40 });
const percents = fc.uniqueArray(fc.integer({ min: 6, max: 99 }), { minLength: 1, maxLength: 8 });

for (const [name, { flag, to, from }] of Object.entries(GROUNDS)) {
  test(`${name}: whoever has the variant keeps it, and rules give what they gave`, () => {
    const { ground } = groundOf(flag, to, null) as { ground: { from: string; percent: number } };
    assert.equal(ground.from, from);
    const hasRule = ['if', 'or'].some((rule) => Object.hasOwn(flag.targeting ?? {}, rule));
    const at = (percent: number) => shared(flag, { to, from, percent });
    fc.assert(
      fc.property(users, percents, (keys, unsorted) => {
        const rising = unsorted.toSorted((a, b) => a - b).filter((percent) => percent > ground.percent);
        const steps = [flag, ...rising.map(at), at(100)];
        for (const targetingKey of keys) {
          const context = { targetingKey, x: 0 };
          const variants = steps.map((step) => given(step, context));
          if (targetingKey.endsWith('7') && hasRule)
            assert.deepEqual(new Set(variants).size, 1, `${targetingKey}: ${variants.join()}`);
          else {
            const first = variants.indexOf(to);
            const expected = variants.map((_, i) => (first !== -1 && i >= first ? to : from));
            assert.deepEqual(variants, expected, targetingKey);
            assert.equal(variants.at(-1), to, targetingKey);
          }
        }
        // Whom nothing names has what they had, until everybody gets it.
        const nobody = steps.slice(0, -1).map((step) => given(step, { x: 0 }));
        assert.equal(new Set(nobody).size, 1, nobody.join());
      }),
      { numRuns: 60 },
    );
  });

  test(`${name}: flagd's own evaluator gives the same`, () => {
    const quiet = { error() {}, warn() {}, info() {}, debug() {} };
    for (const percent of [7, 50, 100]) {
      const definition = shared(flag, { to, from, percent });
      const core = new FlagdCore();
      core.setConfigurations(
        JSON.stringify({
          flags: { 'checkout-v2': { ...definition, targeting: definition.targeting ?? undefined } },
        }),
      );
      for (let user = 0; user < 200; user += 1) {
        const context = { targetingKey: `user-${user}`, x: user % 3 };
        const reference = core.getFlag('checkout-v2')?.evaluate(context, quiet).variant;
        assert.equal(given(definition, context), reference, `${percent}% of ${context.targetingKey}`);
      }
    }
  });

  test(`${name}: so many get it as it says, and the mark is on those who are shared out`, () => {
    const percent = 30;
    const definition = shared(flag, { to, from, percent });
    const mark = markOf(flag, { to, from, percent });
    assert.ok(mark);
    let all = 0;
    let has = 0;
    for (let user = 0; user < 4_000; user += 1) {
      const context = { targetingKey: `user-${user}`, x: user % 3 };
      const isMarked = given(mark, context) === SHARED_OUT;
      const moves = given(shared(flag, { to, from, percent: 100 }), context) !== given(flag, context);
      if (moves) assert.ok(isMarked, context.targetingKey);
      if (!isMarked) continue;
      all += 1;
      if (given(definition, context) === to) has += 1;
    }
    assert.ok(Math.abs(has / all - 0.3) < 0.04, `${has} of ${all}`);
  });
}

test('what cannot be shared out is refused with the reason', () => {
  const refusal = (flag: FlagDefinition, to = 'on', from: string | null = null) => {
    const grounds = groundOf(flag, to, from);
    return grounds.ok ? 'not refused' : grounds.why;
  };
  assert.match(refusal(flagOf(null, { state: 'DISABLED' })), /it is disabled/);
  assert.match(refusal(flagOf(null, { defaultVariant: null })), /default in the code/);
  assert.match(refusal(flagOf(null), 'off'), /has "off" already/);
  assert.match(refusal(flagOf(null), 'on', 'beta'), /has "off" now, not "beta"/);
  assert.match(refusal(flagOf(split(['on', 1], ['off', 1], ['beta', 1]))), /between two variants/);
  assert.match(refusal(flagOf(split(['on', 1]))), /has "on" already/);
  assert.match(refusal(flagOf({ '==': [{ var: 'x' }, 1] })), /"=="/);
  assert.match(refusal(flagOf({ if: [STAFF, { '==': [1, 1] }] })), /worked out/);
  const own: JsonObject = { fractional: [{ var: 'company' }, ['on', 1], ['off', 9]] };
  assert.match(refusal(flagOf(own)), /key of their own/);
  // The definition became another one under a roll-out that had begun.
  assert.equal(sharedOut(flagOf({ '==': [1, 1] }), { to: 'on', from: 'off', percent: 10 }), null);
  assert.equal(
    sharedOut(flagOf(null, { variants: { off: false } }), { to: 'on', from: 'off', percent: 10 }),
    null,
  );
});
