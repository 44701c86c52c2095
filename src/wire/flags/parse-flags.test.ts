/** Hunts definition files that are wrong and taken all the same, and messages that name the wrong place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from '../file/problem.ts';
import { parseFlags } from './parse-flags.ts';

const flag = (more: string) =>
  `flags:\n  f:\n    state: ENABLED\n    variants: { on: true, off: false }\n    defaultVariant: off\n${more}`;

const problemsOf = (...texts: readonly string[]) =>
  parseFlags(texts.map((text, i) => ({ name: `flags/${i + 1}.flagd.yaml`, text }))).problems.map(
    formatProblem,
  );

const CASES: Readonly<Record<string, readonly [text: string, problem: RegExp]>> = {
  'no YAML': ['flags: [', /^flags\/1\.flagd\.yaml:1:\d+: not valid YAML/],
  'no flags': ['flag: {}', /:1:1: expected flags/],
  'a key that is misspelt': [
    flag('    targetting: {}\n'),
    /:6:5: f\.targetting: unknown key|:6:\d+: f\.targetting: unknown key/,
  ],
  'an operator that is none': [
    flag('    targeting: { iff: [true, on] }\n'),
    /:6:\d+: f\.targeting\.iff: "iff" is no operator/,
  ],
  'two operators': [flag('    targeting: { if: [true, on], or: [] }\n'), /has 2 operators/],
  'a variant that is not there': [
    flag('    targeting: { if: [{ var: x }, blue, off] }\n'),
    /f\.targeting\.if\[1\]: "blue" is no variant; expected one of on, off/,
  ],
  'a bucket that is not there': [
    flag('    targeting: { fractional: [[on, 1], [blue, 1]] }\n'),
    /fractional\[1\]\[0\]: "blue" is no variant/,
  ],
  'a default that is not there': [
    flag('').replace('Variant: off', 'Variant: no'),
    /:5:21: f\.defaultVariant: "no" is no variant/,
  ],
  'variants of several types': [
    flag('').replace('off: false', 'off: 0'),
    /variants\.off: is number, "on" is boolean/,
  ],
  'a rule that can never work': [
    flag('    targeting: { "+": [x, { var: y }] }\n'),
    /"\+" counts with numbers/,
  ],
  'a shared rule that is not there': [
    flag('    targeting: { $ref: is_us }\n'),
    /"is_us" is not under \$evaluators/,
  ],
  'shared rules in a circle': [
    `$evaluators: { a: { $ref: b }, b: { $ref: a } }\n${flag('    targeting: { $ref: a }\n')}`,
    /"a" leads back to itself/,
  ],
  'metadata that cannot be read': [
    flag('    metadata: { end: soon }\n'),
    /:6:22: f\.metadata\.end: expected a day such as/,
  ],
  'a prerequisite that is not there': [
    flag('    metadata: { prerequisites: g=on }\n'),
    /there is no flag "g"/,
  ],
  'a prerequisite without the variant': [
    `${flag('    metadata: { prerequisites: g=blue }\n')}  g: { state: ENABLED, variants: { on: true }, defaultVariant: on }\n`,
    /"g" has no variant "blue"/,
  ],
  'prerequisites in a circle': [
    `${flag('    metadata: { prerequisites: g=on }\n')}  g: { state: ENABLED, variants: { on: true }, defaultVariant: on, metadata: { prerequisites: f=on } }\n`,
    /f\.metadata\.prerequisites: they lead in a circle: f -> g -> f/,
  ],
};

for (const [name, [text, problem]] of Object.entries(CASES))
  test(`refused with its place: ${name}`, () => {
    const problems = problemsOf(text);
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(problems[0] ?? '', problem);
  });

test('a flag in two files is refused, with both places', () => {
  const problems = problemsOf(flag(''), flag(''));
  assert.equal(problems.length, 1);
  assert.match(
    problems[0] ?? '',
    /^flags\/2\.flagd\.yaml:2:3: f: is defined in flags\/1\.flagd\.yaml:2 already/,
  );
});

test('JSON may be indented by tabs, and shared rules are put in their places', () => {
  const text =
    '{\n\t"$evaluators": {"us": {"==": [{"var": "country"}, "US"]}},\n\t"flags": {"f": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "targeting": {"if": [{"$ref": "us"}, "on"]}}}\n}';
  const { flags, problems } = parseFlags([{ name: 'a.flagd.json', text }]);
  assert.deepEqual(problems, []);
  assert.deepEqual(flags['f']?.definition.targeting, { if: [{ '==': [{ var: 'country' }, 'US'] }, 'on'] });
});

test('shared rules that double each other do not become a huge rule', () => {
  const doubling = Array.from(
    { length: 30 },
    (_, i) => `  r${i}: { or: [{ $ref: r${i + 1} }, { $ref: r${i + 1} }] }`,
  ).join('\n');
  const problems = problemsOf(
    `$evaluators:\n${doubling}\n  r30: true\n${flag('    targeting: { $ref: r0 }\n')}`,
  );
  assert.equal(problems.length, 1);
});
