/** The public suites about flags: their scenarios, and the flags that they speak of. */
import fs from 'node:fs';
import path from 'node:path';
import { isJsonObject, type Json, type JsonObject } from '../../src/core/flags/json.ts';
import { type FlagFile, type ParsedFlags, parseFlags } from '../../src/wire/flags/parse-flags.ts';
import { type Scenario, scenariosOf } from './gherkin.ts';
import { sharedData } from './shared-data.ts';

export const SUITES = ['flagd-evaluator', 'flagd', 'openfeature'] as const;
export type SuiteName = (typeof SUITES)[number];

export interface Suite {
  readonly name: SuiteName;
  readonly scenarios: readonly (Scenario & { readonly file: string })[];
  /** As they would lie in `flags/`. */
  readonly files: readonly FlagFile[];
  /** Of the files, what can be used of them. */
  readonly parsed: ParsedFlags;
}

const TESTBED = sharedData('flagd-testbed');
const SPEC = sharedData('openfeature-spec');

export const suitesMissing = (TESTBED === null || SPEC === null) && 'they are not beside the project';

export function readSuite(name: SuiteName): Suite {
  const folder = {
    'flagd-evaluator': path.join(TESTBED ?? '', 'evaluator/gherkin'),
    flagd: path.join(TESTBED ?? '', 'gherkin'),
    openfeature: path.join(SPEC ?? '', 'specification/assets/gherkin'),
  }[name];
  const features = fs.readdirSync(folder).filter((file) => file.endsWith('.feature'));
  const scenarios = features
    .toSorted()
    .flatMap((file) =>
      scenariosOf(fs.readFileSync(path.join(folder, file), 'utf8')).map((one) => ({ ...one, file })),
    );
  const files = filesOf(name);
  return { name, scenarios, files, parsed: parseFlags(files) };
}

function filesOf(name: SuiteName): readonly FlagFile[] {
  if (name === 'openfeature') {
    const given = jsonIn(path.join(SPEC ?? '', 'specification/assets/gherkin/test-flags.json'));
    const flags = Object.fromEntries(Object.entries(given).map(([key, flag]) => [key, translated(flag)]));
    return [fileOf('openfeature', { flags: { ...flags, 'context-aware': CONTEXT_AWARE } })];
  }
  const testkit = jsonIn(path.join(TESTBED ?? '', 'evaluator/flags/testkit-flags.json'));
  if (name === 'flagd-evaluator') return [fileOf('testkit', testkit)];
  const { flags } = testkit;
  return [
    fileOf('testkit', { ...testkit, flags: { ...(isJsonObject(flags) ? flags : {}), ...OWN } }),
    fileOf('shared-metadata', SHARED_METADATA),
  ];
}

const fileOf = (name: string, content: Json): FlagFile => ({
  name: `flags/${name}.flagd.json`,
  text: JSON.stringify(content, null, 2),
});

function jsonIn(file: string): JsonObject {
  const value = JSON.parse(fs.readFileSync(file, 'utf8')) as Json;
  if (!isJsonObject(value)) throw new Error(`${file} is no object`);
  return value;
}

const CONTEXT_AWARE: Json = {
  state: 'ENABLED',
  variants: { internal: 'INTERNAL', external: 'EXTERNAL' },
  defaultVariant: 'external',
  targeting: {
    if: [
      {
        and: [
          { '==': [{ var: 'fn' }, 'Sulisław'] },
          { '==': [{ var: 'ln' }, 'Świętopełk'] },
          { '==': [{ var: 'age' }, 29] },
          { '==': [{ var: 'customer' }, false] },
        ],
      },
      'internal',
    ],
  },
};

/** The rules of OpenFeature's own flags, which are written in CEL. */
const RULES: Readonly<Record<string, Json>> = {
  "email == 'ballmer@macrosoft.com' ? 'zero' : ''": {
    if: [{ '==': [{ var: 'email' }, 'ballmer@macrosoft.com'] }, 'zero'],
  },
  "!customer && email == 'ballmer@macrosoft.com' && age > 10 ? 'internal' : ''": {
    if: [
      {
        and: [
          { '!': [{ var: 'customer' }] },
          { '==': [{ var: 'email' }, 'ballmer@macrosoft.com'] },
          { '>': [{ var: 'age' }, 10] },
        ],
      },
      'internal',
    ],
  },
};

function translated(flag: Json): Json {
  if (!isJsonObject(flag)) throw new Error('it is no flag');
  const { disabled = false, variants = {}, defaultVariant = null, contextEvaluator, flagMetadata } = flag;
  const cel = typeof contextEvaluator === 'string' ? contextEvaluator : null;
  const rule = cel === null ? null : RULES[cel];
  if (rule === undefined) throw new Error(`a rule that nobody has translated: ${cel}`);
  return {
    state: disabled === true ? 'DISABLED' : 'ENABLED',
    variants,
    defaultVariant,
    ...(rule === null ? {} : { targeting: rule }),
    ...(isJsonObject(flagMetadata) ? { metadata: flagMetadata } : {}),
  };
}

const NUMBERS = { state: 'ENABLED', variants: { one: 1, two: 2 }, defaultVariant: 'two' } as const;
const WORDS = { state: 'ENABLED', variants: { false: 1, true: 2 }, defaultVariant: 'false' } as const;

/** Flags of flagd's suite for providers that are not in its file for evaluators, as its scenarios describe them. */
const OWN: JsonObject = {
  'changing-flag': { state: 'ENABLED', variants: { foo: 'foo', bar: 'bar' }, defaultVariant: 'foo' },
  'metadata-flag': {
    state: 'ENABLED',
    variants: { on: true, off: false },
    defaultVariant: 'on',
    metadata: { string: 'a', integer: 1, float: 1.2, boolean: true },
  },
  'timestamp-flag': {
    state: 'ENABLED',
    variants: { past: -1, none: 0, future: 1 },
    defaultVariant: 'none',
    targeting: {
      if: [
        ...[{ '>': [{ var: '$flagd.timestamp' }, { var: 'time' }] }, 'past'],
        ...[{ '<': [{ var: '$flagd.timestamp' }, { var: 'time' }] }, 'future'],
      ],
    },
  },
  'targeting-null-variant-flag': { ...NUMBERS, targeting: { if: [true, null, 'one'] } },
  'error-targeting-flag': { ...NUMBERS, targeting: { 'no-such-operator': ['x'] } },
  'missing-variant-targeting-flag': { ...NUMBERS, targeting: { if: [true, 'three', 'one'] } },
  'non-string-variant-targeting-flag': { ...WORDS, targeting: { if: [true, true, false] } },
  'empty-targeting-flag': { ...WORDS, targeting: {} },
  'targeting-null-flag': { ...NUMBERS, targeting: null },
};

const OF_ALL = {
  'flag-set-string': 'c',
  'flag-set-integer': 3,
  'flag-set-float': 3.2,
  'flag-set-boolean': false,
};

const SHARED_METADATA: JsonObject = {
  metadata: { string: 'b', integer: 2, float: 2.2, boolean: false, ...OF_ALL },
  flags: {
    'only-set-metadata-flag': { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on' },
    'combined-metadata-flag': {
      ...{ state: 'ENABLED', variants: { on: true }, defaultVariant: 'on' },
      metadata: { string: 'a', integer: 1, float: 1.2, boolean: true },
    },
  },
};
