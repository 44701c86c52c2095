/** Exports of Unleash: of its admin API, and what its SDKs are given. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import {
  chain,
  definition,
  every,
  IS_OFF,
  list,
  NOT_THE_SAME,
  object,
  type Report,
  shareOf,
  shares,
  text,
  type Translation,
  translation,
  variable,
  Variants,
} from './translation.ts';

const KINDS: Readonly<Record<string, string>> = {
  release: 'release',
  experiment: 'experiment',
  operational: 'operational',
  'kill-switch': 'operational',
  permission: 'permission',
};

export function fromUnleash(given: JsonObject): Translation {
  const features = list(given['features']).map((one) => [text(object(one)['name']), one] as const);
  return translation(
    features.filter(([name]) => name !== ''),
    (feature, report) => flagOf(partsOf(feature, given), report),
  );
}

interface Feature {
  readonly feature: JsonObject;
  readonly strategies: readonly JsonObject[];
  readonly variants: readonly JsonObject[];
  readonly enabled: boolean;
}

/** Exports of the admin API have the parts in lists of their own. */
function partsOf(feature: JsonObject, given: JsonObject): Feature {
  const of = (key: string) =>
    list(given[key])
      .filter(isJsonObject)
      .filter((row) => row['featureName'] === feature['name']);
  const environments = of('featureEnvironments');
  const strategies = [...list(feature['strategies']), ...of('featureStrategies')].map(object);
  const variants = [
    ...list(feature['variants']),
    ...environments.flatMap((row) => list(row['variants'])),
  ].map(object);
  const enabled =
    environments.length > 0
      ? environments.some((row) => row['enabled'] === true)
      : feature['enabled'] === true;
  return { feature, strategies, variants, enabled };
}

function flagOf({ feature, strategies, variants, enabled }: Feature, report: Report): JsonObject {
  const known = new Variants();
  const off = variants.length > 0 ? known.name('disabled', 'disabled') : known.name(false);
  const on: Json = variants.length > 0 ? sharesOf(variants, known) : known.name(true);
  const rules = strategies
    .filter((strategy) => strategy['disabled'] !== true)
    .flatMap((strategy) => {
      const when = conditionOf(strategy, report);
      return when === null ? [] : [{ when, give: on }];
    });
  const active = strategies.length === 0 ? on : chain(rules, off);
  if (!enabled) report(IS_OFF);
  const kind = KINDS[text(feature['type'])];
  const metadata = {
    ...(kind === undefined ? {} : { kind }),
    ...(text(feature['description']) === '' ? {} : { description: text(feature['description']) }),
  };
  return definition({ variants: known.all, defaultVariant: off, rule: enabled ? active : off, metadata });
}

function sharesOf(variants: readonly JsonObject[], known: Variants): Json {
  const buckets = variants.map((variant) => {
    const payload = object(variant['payload'])['value'];
    const name = text(variant['name']);
    return [known.name(payload ?? name, name), Math.round(Number(variant['weight'] ?? 0))];
  });
  return shares('', buckets);
}

/** Null: it does not map. */
function conditionOf(strategy: JsonObject, report: Report): Json | null {
  const conditions: Json[] = [];
  if (list(strategy['segments']).length > 0) {
    report('a strategy uses segments, which are not in the export; the strategy is left out');
    return null;
  }
  for (const one of list(strategy['constraints'])) {
    const condition = constraintOf(object(one));
    if (condition === null) {
      report(
        `a strategy has the constraint ${text(object(one)['operator'])}, which does not map; the strategy is left out`,
      );
      return null;
    }
    conditions.push(condition);
  }
  const parameters = object(strategy['parameters']);
  switch (strategy['name']) {
    case 'default':
      return every(conditions);
    case 'userWithId': {
      const users = text(parameters['userIds'])
        .split(',')
        .map((user) => user.trim());
      return every([...conditions, { in: [variable('userId'), users] }]);
    }
    case 'flexibleRollout':
    case 'gradualRolloutUserId': {
      const share = Number(parameters['rollout'] ?? parameters['percentage'] ?? 0);
      if (share >= 100) return every(conditions);
      report(NOT_THE_SAME);
      return every([...conditions, shareOf(text(parameters['stickiness']), share, 100)]);
    }
    default:
      report(`the strategy "${text(strategy['name'])}" does not map and is left out`);
      return null;
  }
}

function constraintOf(constraint: JsonObject): Json | null {
  const { contextName, operator, values, value, inverted, caseInsensitive } = constraint;
  const at = variable(text(contextName));
  const all = list(values);
  const some = (operatorName: string) => ({ or: all.map((part) => ({ [operatorName]: [at, part] })) });
  const number = Number(value);
  const numbers: Readonly<Record<string, string>> = {
    NUM_EQ: '==',
    NUM_GT: '>',
    NUM_GTE: '>=',
    NUM_LT: '<',
    NUM_LTE: '<=',
  };
  const versions: Readonly<Record<string, string>> = { SEMVER_EQ: '=', SEMVER_GT: '>', SEMVER_LT: '<' };
  const name = text(operator);
  if (caseInsensitive === true) return null;
  const made: Json | null =
    name === 'IN'
      ? { in: [at, all] }
      : name === 'NOT_IN'
        ? { '!': [{ in: [at, all] }] }
        : name === 'STR_STARTS_WITH'
          ? some('starts_with')
          : name === 'STR_ENDS_WITH'
            ? some('ends_with')
            : name === 'STR_CONTAINS'
              ? { or: all.map((part) => ({ in: [part, at] })) }
              : numbers[name] !== undefined
                ? { [numbers[name]]: [at, number] }
                : versions[name] !== undefined
                  ? { sem_ver: [at, versions[name], text(value)] }
                  : null;
  return made !== null && inverted === true ? { '!': [made] } : made;
}
