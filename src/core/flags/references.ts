/** Shared rules (`$evaluators`) in the places of their `{"$ref": name}`. */
import { limits } from '../limits.ts';
import { isJsonList, isJsonObject, type Json, type JsonObject } from './json.ts';

export type Reference =
  | { readonly rule: Json }
  /** `cycle`: it leads back to itself. */
  | { readonly unknown: string; readonly cycle: boolean; readonly path: readonly (string | number)[] };

class Lost extends Error {
  readonly lost: Exclude<Reference, { rule: Json }>;

  constructor(lost: Exclude<Reference, { rule: Json }>) {
    super(lost.unknown);
    this.lost = lost;
  }
}

export function resolved(rule: Json, evaluators: JsonObject): Reference {
  let parts = 0;
  const walk = (node: Json, path: readonly (string | number)[], inside: readonly string[]): Json => {
    parts += 1;
    if (parts > limits.flags.rulePartsMax) throw new Lost({ unknown: '', cycle: true, path });
    if (isJsonList(node)) return node.map((item, i) => walk(item, [...path, i], inside));
    if (!isJsonObject(node)) return node;
    const name = node['$ref'];
    if (typeof name === 'string' && Object.keys(node).length === 1) {
      const shared = Object.hasOwn(evaluators, name) ? evaluators[name] : undefined;
      const cycle = inside.includes(name);
      if (shared === undefined || cycle) throw new Lost({ unknown: name, cycle, path: [...path, '$ref'] });
      return walk(shared, path, [...inside, name]);
    }
    return Object.fromEntries(
      Object.entries(node).map(([key, value]) => [key, walk(value, [...path, key], inside)]),
    );
  };
  try {
    return { rule: walk(rule, [], []) };
  } catch (error) {
    if (error instanceof Lost) return error.lost;
    throw error;
  }
}
