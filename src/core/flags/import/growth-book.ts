/** Exports of GrowthBook: what its SDKs are given, `{ features: { key: { defaultValue, rules } } }`. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import {
  any,
  chain,
  definition,
  every,
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

const WEIGHTS = 10_000;

export const fromGrowthBook = (given: JsonObject): Translation =>
  translation(Object.entries(object(given['features'])), flagOf);

function flagOf(feature: JsonObject, report: Report): JsonObject {
  const known = new Variants();
  const otherwise = known.name(feature['defaultValue'] ?? false);
  const rules = list(feature['rules']).flatMap((one) => ruleOf(object(one), known, report));
  return definition({
    variants: known.all,
    defaultVariant: otherwise,
    rule: chain(rules, otherwise),
    metadata: {},
  });
}

function ruleOf(rule: JsonObject, known: Variants, report: Report): { when: Json; give: Json }[] {
  for (const key of ['parentConditions', 'namespace', 'filters', 'savedGroupTargeting'])
    if (rule[key] !== undefined) {
      report(`a rule has "${key}", which does not map; the rule is left out`);
      return [];
    }
  const condition = rule['condition'] === undefined ? true : conditionOf(object(rule['condition']));
  if (condition === null) {
    report('a rule has a condition that does not map; the rule is left out');
    return [];
  }
  const coverage = Number(rule['coverage'] ?? 1);
  const by = text(rule['hashAttribute']);
  const inside = coverage >= 1 ? true : shareOf(by, Math.round(coverage * WEIGHTS), WEIGHTS);
  const when = every([condition, inside].filter((part) => part !== true));
  if (rule['force'] !== undefined) {
    if (coverage < 1) report(NOT_THE_SAME);
    return [{ when, give: known.name(rule['force']) }];
  }
  const values = list(rule['variations']);
  if (values.length === 0) {
    report('a rule neither forces a value nor shares any out; it is left out');
    return [];
  }
  report(NOT_THE_SAME);
  const weights = list(rule['weights']);
  const buckets = values.map((value, i) => [
    known.name(value),
    Math.round(Number(weights[i] ?? 1 / values.length) * WEIGHTS),
  ]);
  return [{ when, give: shares(by, buckets) }];
}

/** Null: a part of it does not map. */
function conditionOf(condition: JsonObject): Json | null {
  const parts = Object.entries(condition).map(([key, value]) => partOf(key, value));
  return parts.includes(null) ? null : every(parts.filter((part) => part !== null));
}

function partOf(key: string, value: Json): Json | null {
  if (key === '$and' || key === '$or' || key === '$nor') {
    const parts = list(value).map((one) => conditionOf(object(one)));
    if (parts.includes(null)) return null;
    const all = parts.filter((part) => part !== null);
    return key === '$and' ? every(all) : key === '$or' ? any(all) : { '!': [any(all)] };
  }
  if (key === '$not') {
    const part = conditionOf(object(value));
    return part === null ? null : { '!': [part] };
  }
  const at = variable(key);
  if (!isJsonObject(value)) return { '==': [at, value] };
  const parts = Object.entries(value).map(([operator, operand]) => testOf(at, operator, operand));
  return parts.includes(null) ? null : every(parts.filter((part) => part !== null));
}

function testOf(at: Json, operator: string, value: Json): Json | null {
  const plain: Readonly<Record<string, string>> = {
    $eq: '==',
    $ne: '!=',
    $gt: '>',
    $gte: '>=',
    $lt: '<',
    $lte: '<=',
  };
  const versions: Readonly<Record<string, string>> = {
    $veq: '=',
    $vne: '!=',
    $vgt: '>',
    $vgte: '>=',
    $vlt: '<',
    $vlte: '<=',
  };
  if (plain[operator] !== undefined) return { [plain[operator]]: [at, value] };
  if (versions[operator] !== undefined) return { sem_ver: [at, versions[operator], value] };
  if (operator === '$in') return { in: [at, list(value)] };
  if (operator === '$nin') return { '!': [{ in: [at, list(value)] }] };
  if (operator === '$exists') return { [value === true ? '!==' : '===']: [at, null] };
  return null;
}
