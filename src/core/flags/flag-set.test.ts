/** Hunts prerequisites that are not asked, and circles of them, put together at run time, that never end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlagDefinition } from './definition.ts';
import { FlagSet } from './flag-set.ts';
import type { Trace } from './logic.ts';

const flag = (prerequisites: string, more: Partial<FlagDefinition> = {}): FlagDefinition => ({
  state: 'ENABLED',
  variants: { on: true, off: false },
  defaultVariant: 'on',
  targeting: null,
  metadata: prerequisites === '' ? {} : { prerequisites },
  ...more,
});

function asked(definitions: Readonly<Record<string, FlagDefinition>>, key = 'a') {
  const { variant, reason } = new FlagSet(definitions).evaluate(key, {}, 0);
  return [variant, reason];
}

test('a flag is looked at when all that it needs is so, however far away', () => {
  const far = { a: flag('b=on, c=off'), b: flag('d=on'), c: flag('', { defaultVariant: 'off' }) };
  assert.deepEqual(asked({ ...far, d: flag('') }), ['on', 'STATIC']);
  assert.deepEqual(asked({ ...far, d: flag('', { defaultVariant: 'off' }) }), [null, 'DISABLED']);
  assert.deepEqual(asked({ ...far, d: flag('', { state: 'DISABLED' }) }), [null, 'DISABLED']);
  assert.deepEqual(asked(far), [null, 'DISABLED'], 'one of them is not there');
});

test('a circle counts as not fulfilled, from wherever it is entered', () => {
  assert.deepEqual(asked({ a: flag('a=on') }), [null, 'DISABLED']);
  const circle = { a: flag('b=on'), b: flag('c=on'), c: flag('a=on'), outside: flag('b=on') };
  for (const key of Object.keys(circle)) assert.deepEqual(asked(circle, key), [null, 'DISABLED'], key);
});

test('two ways to one flag are no circle', () => {
  const both = { a: flag('b=on, c=on'), b: flag('d=on'), c: flag('d=on'), d: flag('') };
  assert.deepEqual(asked(both), ['on', 'STATIC']);
});

test('whoever asks why is told what is not fulfilled', () => {
  const trace: Trace[] = [];
  new FlagSet({ a: flag('b=off'), b: flag('') }).evaluate('a', {}, 0, trace);
  assert.deepEqual(trace, [{ place: 'metadata.prerequisites', operator: 'b=off', value: false }]);
});
