/** Exports of LaunchDarkly: what its SDKs are given, `{ flags: { key: { on, variations, rules, ... } } }`. */
import type { Json, JsonObject } from '../json.ts';
import {
  any,
  chain,
  definition,
  every,
  IS_OFF,
  list,
  NOT_THE_SAME,
  object,
  type Report,
  shares,
  text,
  type Translation,
  translation,
  variable,
  Variants,
} from './translation.ts';

export function fromLaunchDarkly(given: JsonObject): Translation {
  const all = object(given['flags']);
  return translation(Object.entries(all), (flag, report) => flagOf(flag, all, report));
}

function flagOf(flag: JsonObject, all: JsonObject, report: Report): JsonObject {
  const known = new Variants();
  const names = list(flag['variations']).map((value) => known.name(value));
  const nameAt = (index: Json | undefined) => names[Number(index)] ?? names[0] ?? 'off';
  const off = nameAt(flag['offVariation']);
  const serve = (part: JsonObject): Json =>
    part['rollout'] === undefined
      ? nameAt(part['variation'])
      : shared(object(part['rollout']), nameAt, report);
  const targets = list(flag['targets']).map((one) => {
    const { values, variation } = object(one);
    return { when: { in: [variable('key'), list(values)] }, give: nameAt(variation) };
  });
  const rules = list(flag['rules']).flatMap((one) => {
    const when = clausesOf(list(object(one)['clauses']), report);
    return when === null ? [] : [{ when, give: serve(object(one)) }];
  });
  const rule = chain([...targets, ...rules], serve(object(flag['fallthrough'])));
  if (flag['on'] !== true) report(IS_OFF);
  const needs = list(flag['prerequisites']).map((one) => {
    const { key, variation } = object(one);
    const others = new Variants();
    const other = list(object(all[text(key)])['variations']).map((value) => others.name(value));
    return `${text(key)}=${other[Number(variation)] ?? 'on'}`;
  });
  if (needs.length > 0)
    report('without its prerequisites it gives the default in the code, not its off variant');
  const metadata = needs.length > 0 ? { prerequisites: needs.join(', ') } : {};
  return definition({
    variants: known.all,
    defaultVariant: off,
    rule: flag['on'] === true ? rule : off,
    metadata,
  });
}

/** Its weights are of 100,000. */
function shared(rollout: JsonObject, nameAt: (index: Json | undefined) => string, report: Report): Json {
  report(NOT_THE_SAME);
  const buckets = list(rollout['variations']).map((one) => [
    nameAt(object(one)['variation']),
    Number(object(one)['weight'] ?? 0),
  ]);
  return shares(text(rollout['bucketBy']), buckets);
}

/** Null: one of them does not map. */
function clausesOf(clauses: readonly Json[], report: Report): Json | null {
  const conditions: Json[] = [];
  for (const one of clauses) {
    const condition = clauseOf(object(one));
    if (condition === null) {
      report(`a rule asks "${text(object(one)['op'])}", which does not map; the rule is left out`);
      return null;
    }
    conditions.push(condition);
  }
  return every(conditions);
}

const TESTS: Readonly<Record<string, (at: Json, value: Json) => Json>> = {
  startsWith: (at, value) => ({ starts_with: [at, value] }),
  endsWith: (at, value) => ({ ends_with: [at, value] }),
  contains: (at, value) => ({ in: [value, at] }),
  lessThan: (at, value) => ({ '<': [at, value] }),
  lessThanOrEqual: (at, value) => ({ '<=': [at, value] }),
  greaterThan: (at, value) => ({ '>': [at, value] }),
  greaterThanOrEqual: (at, value) => ({ '>=': [at, value] }),
  semVerEqual: (at, value) => ({ sem_ver: [at, '=', value] }),
  semVerLessThan: (at, value) => ({ sem_ver: [at, '<', value] }),
  semVerGreaterThan: (at, value) => ({ sem_ver: [at, '>', value] }),
};

function clauseOf({ attribute, op, values, negate, contextKind }: JsonObject): Json | null {
  if (contextKind !== undefined && contextKind !== 'user') return null;
  const at = variable(text(attribute));
  const name = text(op);
  const test = Object.hasOwn(TESTS, name) ? TESTS[name] : undefined;
  const made =
    name === 'in'
      ? { in: [at, list(values)] }
      : test
        ? any(list(values).map((value) => test(at, value)))
        : null;
  return made !== null && negate === true ? { '!': [made] } : made;
}
