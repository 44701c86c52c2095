/** The steps of flagd's and OpenFeature's scenarios, told of one way to ask. */
import assert from 'node:assert/strict';
import { eventually } from '../contract/eventually.ts';
import { FLAG_TYPES, type FlagDetails, type FlagFace, type FlagType, type HookCall } from './flag-faces.ts';
import type { Scenario } from './gherkin.ts';

interface World {
  readonly face: FlagFace;
  key: string;
  type: FlagType;
  fallback: unknown;
  context: Record<string, unknown>;
  calls: HookCall[] | null;
  details: FlagDetails | null;
  changed: readonly string[];
}

type Groups = readonly string[];
type Table = Scenario['steps'][number]['table'];
type Act = (world: World, groups: Groups, table: Table) => void | Promise<void>;

/** Nobody has told what it means, or a way to ask has nothing for it. */
class NoSuchStep extends Error {}

const nothing: Act = () => undefined;

const VALUES: readonly (readonly [RegExp, Act])[] = [
  [/^an evaluator$/, nothing],
  [/^a (?:stable|metadata) (?:flagd )?provider$/, nothing],
  [/^a socket flagd provider$/, ({ face }) => assert.equal(face.name, 'socket')],
  // No provider of OFREP for servers keeps answers.
  [/^an option "cache" of type "CacheType" with value "disabled"$/, nothing],
  // All files of a project are one set of flags.
  [
    /^an option "selector" of type "String" with value "rawflags\/selector-flag-combined-metadata\.json"$/,
    nothing,
  ],
  [
    /^an? (\w+)-flag with key "(.*)" and a (?:fallback|default) value "(.*)"$/,
    (world, [type = '', key = '', fallback = '']) => take(world, type, key, fallback),
  ],
  [
    /^a context containing a key "(.*)", with type "(.*)" and with value "(.*)"$/,
    ({ context }, [key = '', type = '', value = '']) => void (context[key] = typed(typeNamed(type), value)),
  ],
  [
    /^a context containing a key "(.*)" with null value$/,
    ({ context }, [key = '']) => void (context[key] = null),
  ],
  [
    /^a context containing a targeting key with value "(.*)"$/,
    ({ context }, [key]) => void (context['targetingKey'] = key),
  ],
  [
    /^a context containing a nested property with outer key "(.*)" and inner key "(.*)", with value "(.*)"$/,
    ({ context }, [outer = '', inner = '', value]) => void (context[outer] = { [inner]: value }),
  ],
  [/^the flag was evaluated with details$/, evaluate],
  [
    /^the resolved details value should be "(.*)"$/,
    (world, [value = '']) => assert.deepEqual(detailsOf(world).value, typed(world.type, value)),
  ],
  [
    /^the reason should be "(.*)"$/,
    (world, [reason = '']) => assert.equal(detailsOf(world).reason, world.face.wordFor(reason)),
  ],
  [/^the error-code should be "(.*)"$/, (world, [code]) => assert.equal(detailsOf(world).error ?? '', code)],
  [
    /^the variant should be "([^"]*)"$/,
    (world, [variant]) => assert.equal(detailsOf(world).variant, variant),
  ],
  [/^the flag key should be "(.*)"$/, (world, [key]) => assert.equal(detailsOf(world).key, key)],
  [/^the resolved metadata is empty$/, (world) => assert.deepEqual({ ...detailsOf(world).metadata }, {})],
  [
    /^the resolved metadata should contain$/,
    (world, _groups, table) => {
      assert.ok(table.length > 0);
      for (const { key = '', metadata_type: type = '', value = '' } of table)
        assert.equal(detailsOf(world).metadata[key], typed(typeNamed(type), value), key);
    },
  ],
];

const EVENTS: readonly (readonly [RegExp, Act])[] = [
  [/^the provider status should be "(.*)"$/, ({ face }, [word]) => assert.equal(has(face.status)(), word)],
  [/^a change event handler$/, ({ face }) => void has(face.changed)()],
  [/^the flag was modified$/, ({ face, key }) => has(face.modify)(key)],
  [
    /^a change event was fired$/,
    async (world) => {
      const changed = has(world.face.changed);
      world.changed = await eventually('a change is told of', () => some(changed()));
    },
  ],
  [/^the flag should be part of the event payload$/, ({ changed, key }) => assert.ok(changed.includes(key))],
];

const HOOKS: readonly (readonly [RegExp, Act])[] = [
  [/^a client with added hook$/, (world) => void (world.calls = [])],
  [
    /^the "(.*)" hook should have been executed$/,
    ({ calls }, [stage]) => assert.equal(calls?.filter((call) => call.stage === stage).length, 1),
  ],
  [
    /^the "(.*)" hooks should be called with evaluation details$/,
    ({ calls }, [stages = ''], table) => {
      assert.ok(table.length > 0);
      for (const stage of stages.split(', ')) {
        const details = calls?.find((call) => call.stage === stage)?.details;
        assert.ok(details, stage);
        const told: Readonly<Record<string, unknown>> = {
          flag_key: details.key,
          value: details.value,
          variant: details.variant,
          reason: details.reason,
          error_code: details.error,
        };
        for (const { data_type: type = '', key = '', value = '' } of table)
          assert.equal(told[key] ?? 'null', value === 'null' ? value : typed(typeNamed(type), value), key);
      }
    },
  ],
];

/** Of the suite that OpenFeature has given up, in its own words. */
const OLD: readonly (readonly [RegExp, Act])[] = [
  [
    /^an? (boolean|string|integer|float) flag with key "(.*)" is evaluated with (?:details and )?default value "?(.*?)"?$/,
    (world, [type = '', key = '', fallback = '']) => ask(world, type, key, fallback),
  ],
  [
    /^an? object flag with key "(.*)" is evaluated with (?:details and )?a null default value$/,
    (world, [key = '']) => ask(world, 'object', key, '{}'),
  ],
  [
    /^the resolved (?:boolean|string|integer|float) (?:value|response) should be "?(.*?)"?$/,
    (world, [value = '']) => assert.deepEqual(detailsOf(world).value, typed(world.type, value)),
  ],
  [
    /^the resolved object (?:details )?value should be contain fields "(.*)", "(.*)", and "(.*)", with values "(.*)", "(.*)" and (.*), respectively$/,
    (world, [a = '', b = '', c = '', ...values]) =>
      assert.deepEqual(detailsOf(world).value, {
        [a]: values[0] === 'true',
        [b]: values[1],
        [c]: Number(values[2]),
      }),
  ],
  [
    /^the resolved \w+ details value should be "?(.*?)"?, the variant should be "(.*)", and the reason should be "(.*)"$/,
    (world, [value = '', variant, reason = '']) => {
      const details = detailsOf(world);
      assert.deepEqual(details.value, typed(world.type, value));
      assert.deepEqual([details.variant, details.reason], [variant, world.face.wordFor(reason)]);
    },
  ],
  [
    /^the variant should be "(.*)", and the reason should be "(.*)"$/,
    (world, [variant, reason = '']) => {
      const details = detailsOf(world);
      assert.deepEqual([details.variant, details.reason], [variant, world.face.wordFor(reason)]);
    },
  ],
  [
    /^context contains keys "(.*)", "(.*)", "(.*)", "(.*)" with values "(.*)", "(.*)", (.*), "(.*)"$/,
    (world, [a = '', b = '', c = '', d = '', ...values]) =>
      void (world.context = {
        [a]: values[0],
        [b]: values[1],
        [c]: Number(values[2]),
        [d]: values[3] === 'true',
      }),
  ],
  [
    /^a flag with key "(.*)" is evaluated with default value "(.*)"$/,
    (world, [key = '', fallback = '']) => ask(world, 'string', key, fallback),
  ],
  [
    /^the resolved flag value is "(.*)" when the context is empty$/,
    async (world, [value]) => {
      world.context = {};
      await evaluate(world);
      assert.equal(detailsOf(world).value, value);
    },
  ],
  [
    /^a non-existent string flag with key "(.*)" is evaluated with details and a fallback value "(.*)"$/,
    (world, [key = '', fallback = '']) => ask(world, 'string', key, fallback),
  ],
  [
    /^a string flag with key "(.*)" is evaluated as an integer, with details and a fallback value (.*)$/,
    (world, [key = '', fallback = '']) => ask(world, 'integer', key, fallback),
  ],
  [
    /^the default (?:string|integer) value should be returned$/,
    (world) => assert.equal(detailsOf(world).value, world.fallback),
  ],
  [
    /^the reason should indicate an error and the error code should indicate a (?:missing flag|type mismatch) with "(.*)"$/,
    (world, [code]) =>
      assert.deepEqual(
        [detailsOf(world).reason, detailsOf(world).error],
        [world.face.wordFor('ERROR'), code],
      ),
  ],
];

const STEPS = [...VALUES, ...EVENTS, ...HOOKS, ...OLD];

/** Throws where it does not hold, or where this way to ask has nothing for it. */
export async function play({ steps }: Scenario, face: FlagFace): Promise<void> {
  const world: World = {
    ...{ face, key: '', type: 'String', fallback: null, context: {} },
    ...{ calls: null, details: null, changed: [] },
  };
  for (const { text, table } of steps) {
    const known = STEPS.find(([pattern]) => pattern.test(text));
    if (!known) throw new NoSuchStep(`no such step: ${text}`);
    const [pattern, act] = known;
    await act(world, pattern.exec(text)?.slice(1) ?? [], table);
  }
}

function take(world: World, type: string, key: string, fallback: string): void {
  world.type = typeNamed(type);
  world.key = key;
  world.fallback = typed(world.type, fallback);
}

async function ask(world: World, type: string, key: string, fallback: string): Promise<void> {
  take(world, type, key, fallback);
  await evaluate(world);
}

async function evaluate(world: World): Promise<void> {
  const { face, key, type, fallback, context, calls } = world;
  world.details = await face.evaluate({ key, type, fallback, context }, calls);
}

function detailsOf({ details }: World): FlagDetails {
  assert.ok(details, 'nothing was evaluated');
  return details;
}

const some = (keys: readonly string[]) => (keys.length > 0 ? keys : null);

function has<T>(part: T | undefined): T {
  if (part === undefined) throw new NoSuchStep('this way to ask has no such thing');
  return part;
}

function typeNamed(word: string): FlagType {
  const type = FLAG_TYPES.find((each) => each.toLowerCase() === word.toLowerCase());
  if (type === undefined) throw new NoSuchStep(`no such type: ${word}`);
  return type;
}

function typed(type: FlagType, text: string): unknown {
  if (type === 'Boolean') return text === 'true';
  if (type === 'String') return text;
  return type === 'Object' ? (JSON.parse(text.replaceAll('\\"', '"')) as unknown) : Number(text);
}
