/**
 * Hunts answers that flagd itself would not give: its own suites for evaluators run over our evaluator, and the
 * scenarios about values of its suite for providers. What is left out is named with its reason.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import type { Evaluation } from '../../src/core/flags/evaluation.ts';
import { FlagSet } from '../../src/core/flags/flag-set.ts';
import type { Json } from '../../src/core/flags/json.ts';
import { parseFlags } from '../../src/wire/flags/parse-flags.ts';
import { type Scenario, scenariosOf } from '../support/gherkin.ts';
import { sharedData } from '../support/shared-data.ts';

const TESTBED = sharedData('flagd-testbed');
const NOW_MS = 1_700_000_000_000;

/** By tag or by name. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  '@fractional-v1': 'hashing that flagd gave up in 2026; a flag file means one of them, and this is not it',
};

interface World {
  key: string;
  type: string;
  fallback: unknown;
  readonly context: Record<string, unknown>;
  details: { value: unknown; reason: string; error: string | null; metadata: Evaluation['metadata'] };
}

type Definition = readonly [
  RegExp,
  (world: World, groups: readonly string[], flags: FlagSet, step: Scenario['steps'][number]) => void,
];

const STEPS: readonly Definition[] = [
  [/^an evaluator$/, () => undefined],
  [
    /^a (\w+)-flag with key "(.*)" and a fallback value "(.*)"$/,
    (world, [type = '', key = '', fallback = '']) =>
      Object.assign(world, { type, key, fallback: typed(type, fallback) }),
  ],
  [
    /^a context containing a key "(.*)", with type "(.*)" and with value "(.*)"$/,
    ({ context }, [key = '', type = '', value = '']) => (context[key] = typed(type, value)),
  ],
  [
    /^a context containing a targeting key with value "(.*)"$/,
    ({ context }, [key]) => (context['targetingKey'] = key),
  ],
  [
    /^a context containing a nested property with outer key "(.*)" and inner key "(.*)", with value "(.*)"$/,
    ({ context }, [outer = '', inner = '', value]) => (context[outer] = { [inner]: value }),
  ],
  [
    /^the flag was evaluated with details$/,
    (world, _groups, flags) =>
      (world.details = detailsOf(flags.evaluate(world.key, world.context, NOW_MS), world)),
  ],
  [
    /^the resolved details value should be "(.*)"$/,
    ({ type, details }, [value = '']) => assert.deepEqual(details.value, typed(type, value)),
  ],
  [/^the reason should be "(.*)"$/, ({ details }, [reason]) => assert.equal(details.reason, reason)],
  [/^the error-code should be "(.*)"$/, ({ details }, [code]) => assert.equal(details.error, code)],
  [/^the resolved metadata is empty$/, ({ details }) => assert.deepEqual(details.metadata, {})],
  [
    /^the resolved metadata should contain$/,
    ({ details }, _groups, _flags, { table }) => {
      assert.ok(table.length > 0);
      for (const { key = '', metadata_type: type = '', value = '' } of table)
        assert.equal(details.metadata[key], typed(type, value));
    },
  ],
];

/** As an SDK does it: the type that the caller wants, and its fallback for whatever is wrong. */
function detailsOf(
  { value, reason, error, metadata }: Evaluation,
  { type, fallback }: World,
): World['details'] {
  const wanted =
    { Boolean: 'boolean', String: 'string', Integer: 'number', Float: 'number' }[type] ?? 'object';
  const said = reason === 'SPLIT' ? 'TARGETING_MATCH' : reason;
  if (value === undefined) return { value: fallback, reason: said, error: error?.code ?? null, metadata };
  if (typeof value !== wanted) return { value: fallback, reason: 'ERROR', error: 'TYPE_MISMATCH', metadata };
  return { value, reason: said, error: null, metadata };
}

function typed(type: string, text: string): unknown {
  if (type === 'Boolean') return text === 'true';
  if (type === 'Integer' || type === 'Float') return Number(text);
  return type === 'Object' ? (JSON.parse(text.replaceAll('\\"', '"')) as Json) : text;
}

function run({ steps }: Scenario, flags: FlagSet): void {
  const nothing = { value: null, reason: '', error: null, metadata: {} };
  const world: World = { key: '', type: '', fallback: null, context: {}, details: nothing };
  for (const step of steps) {
    const known = STEPS.find(([pattern]) => pattern.test(step.text));
    assert.ok(known, `no such step: ${step.text}`);
    const [pattern, act] = known;
    act(world, pattern.exec(step.text)?.slice(1) ?? [], flags, step);
  }
}

suite(
  'the evaluator suites of flagd',
  { skip: TESTBED === null && 'they are not beside the project' },
  () => {
    const folder = path.join(TESTBED ?? '', 'evaluator/gherkin');
    const flagFile = path.join(TESTBED ?? '', 'evaluator/flags/testkit-flags.json');
    const files = TESTBED === null ? [] : fs.readdirSync(folder).toSorted();
    const text = TESTBED === null ? '' : fs.readFileSync(flagFile, 'utf8');
    const { flags } = parseFlags([{ name: 'testkit-flags.json', text }]);
    const set = new FlagSet(
      Object.fromEntries(Object.entries(flags).map(([key, { definition }]) => [key, definition])),
    );
    let ran = 0;
    for (const file of files)
      for (const scenario of scenariosOf(fs.readFileSync(path.join(folder, file), 'utf8'))) {
        if (scenario.tags.some((tag) => Object.hasOwn(LEFT_OUT, tag))) continue;
        ran += 1;
        test(`${file}: ${scenario.name}`, () => run(scenario, set));
      }
    test('all of them were there', () => assert.ok(ran > 120, `${ran} scenarios`));
  },
);
