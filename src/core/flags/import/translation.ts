/** What the exports of other tools have in common when they become definitions of flagd. */
import { isJsonList, isJsonObject, type Json, type JsonObject } from '../json.ts';

/** What could not be taken over as it was, and why. */
export interface LeftOut {
  readonly flag: string;
  readonly why: string;
}

export interface Translation {
  readonly flags: Readonly<Record<string, JsonObject>>;
  readonly left: readonly LeftOut[];
}

/** `report` is called for what does not map; a rule of which a part does not map is left out whole. */
export type Report = (why: string) => void;

export const NOT_THE_SAME = 'its shares are kept, but each user is put anew: the tools hash differently';
export const IS_OFF = 'it is off in the export: everybody gets its off variant; its rules are not kept';

/** Each by its key, with what does not map of all. */
export function translation(
  given: Iterable<readonly [key: string, flag: Json]>,
  flagOf: (flag: JsonObject, report: Report) => JsonObject,
): Translation {
  const left: LeftOut[] = [];
  const flags = [...given].map(([key, flag]) => {
    const report: Report = (why) => left.push({ flag: key, why });
    return [key, flagOf(object(flag), report)] as const;
  });
  return { flags: Object.fromEntries(flags), left };
}

export const list = (value: Json | undefined): readonly Json[] => (isJsonList(value) ? value : []);
export const object = (value: Json | undefined): JsonObject => (isJsonObject(value) ? value : {});
export const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

/** Names by which the tools call who is asking. */
const USERS = new Set(['userId', 'id', 'key', 'user_id']);
export const variable = (name: string): JsonObject => ({ var: USERS.has(name) ? 'targetingKey' : name });

/** Shares are by whoever is asking, unless a tool names something else. */
const USUAL = new Set(['', 'default', 'userId', 'id', 'key', 'user_id']);

export function shares(by: string, buckets: readonly Json[]): JsonObject {
  const first = USUAL.has(by) ? [] : [{ cat: [{ var: '$flagd.flagKey' }, variable(by)] }];
  return { fractional: [...first, ...buckets] };
}

/** Holds for so many of a whole. */
export const shareOf = (by: string, share: number, whole: number): JsonObject => ({
  '==': [
    shares(by, [
      ['in', share],
      ['out', whole - share],
    ]),
    'in',
  ],
});

/** Values as variants: booleans are called on and off. */
export class Variants {
  readonly #names = new Map<string, string>();
  readonly #values: Record<string, Json> = {};

  name(value: Json, wanted?: string): string {
    const key = JSON.stringify(value);
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const plain = value === true ? 'on' : value === false ? 'off' : `v${this.#names.size}`;
    const name =
      wanted !== undefined && wanted !== '' && !Object.hasOwn(this.#values, wanted) ? wanted : plain;
    this.#names.set(key, name);
    this.#values[name] = value;
    return name;
  }

  get all(): JsonObject {
    return this.#values;
  }
}

export const every = (conditions: readonly Json[]): Json =>
  conditions.length === 1 ? (conditions[0] ?? true) : conditions.length === 0 ? true : { and: conditions };

export const any = (conditions: readonly Json[]): Json =>
  conditions.length === 1 ? (conditions[0] ?? false) : conditions.length === 0 ? false : { or: conditions };

/** Rules in order, the first that holds decides. */
export function chain(rules: readonly { readonly when: Json; readonly give: Json }[], otherwise: Json): Json {
  const [first, ...rest] = rules;
  if (!first) return otherwise;
  if (first.when === true) return first.give;
  return { if: [...[first, ...rest].flatMap(({ when, give }) => [when, give]), otherwise] };
}

/** Null where everybody gets the default: a constant is no rule. */
export function definition(parts: {
  readonly variants: JsonObject;
  readonly defaultVariant: string;
  readonly rule: Json;
  readonly metadata: JsonObject;
}): JsonObject {
  const { variants, defaultVariant, rule, metadata } = parts;
  const isConstant = typeof rule === 'string';
  return {
    state: 'ENABLED',
    variants,
    defaultVariant: isConstant ? rule : defaultVariant,
    ...(isJsonObject(rule) ? { targeting: rule } : {}),
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
  };
}
