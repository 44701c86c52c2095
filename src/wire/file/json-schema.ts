/**
 * The JSON Schema of segue.yaml for editors, made from `schema.ts`. Draft 7, because that is what the common
 * YAML language server reads best. Also answers which keys are known where, for suggestions.
 */
import * as z from 'zod';
import type { Path } from './problem.ts';
import { base, CHANGEABLE_KEYS } from './schema.ts';

type Schema = Readonly<Record<string, unknown>>;

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Stands in a pattern for a name of the user's or a place in a list. */
export const ANY = '*';

export function projectJsonSchema(): Schema {
  const schema = baseJsonSchema();
  const properties = isSchema(schema.properties) ? schema.properties : {};
  const changeable = Object.fromEntries(CHANGEABLE_KEYS.map((key) => [key, partial(properties[key])]));
  const environment = { type: 'object', properties: changeable, additionalProperties: false };
  const environments = {
    description:
      'What differs per environment, laid over the rest of this file: "segue up --environment NAME".',
    type: 'object',
    additionalProperties: environment,
  };
  return {
    ...schema,
    title: 'segue.yaml',
    description: 'A project that Segue releases without downtime.',
    properties: { ...properties, environments },
  };
}

function baseJsonSchema(): Schema {
  return z.toJSONSchema(base, { io: 'input', target: 'draft-7' });
}

/** An overlay needs none of the keys and has no defaults of its own. */
function partial(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(partial);
  if (!isSchema(schema)) return schema;
  const entries = Object.entries(schema).filter(([key]) => key !== 'required' && key !== 'default');
  return Object.fromEntries(
    entries.map(([key, value]) => {
      // Lists replace, so what stands in them is whole; names of properties are not keywords.
      if (key === 'items') return [key, value];
      // Without what is required, one form may look like another.
      if (key === 'oneOf') return ['anyOf', partial(value)];
      if (key === 'properties' && isSchema(value))
        return [key, Object.fromEntries(Object.entries(value).map(([name, of]) => [name, partial(of)]))];
      return [key, partial(value)];
    }),
  );
}

/** Every map of the file with the keys it takes; names of the user's are `*`. */
export interface KnownMap {
  readonly pattern: readonly string[];
  readonly keys: readonly string[];
}

export function knownMaps(): KnownMap[] {
  const maps: KnownMap[] = [];
  collect(projectJsonSchema(), [], maps);
  return maps.filter((map) => map.pattern[0] !== 'environments');
}

function collect(schema: unknown, pattern: readonly string[], into: KnownMap[]): void {
  if (!isSchema(schema)) return;
  for (const choice of [schema.anyOf, schema.oneOf, schema.allOf])
    if (Array.isArray(choice)) for (const option of choice) collect(option, pattern, into);
  if (isSchema(schema.properties)) {
    // A key that nothing may stand under is there for what it says.
    const keys = Object.entries(schema.properties).filter(([, of]) => !(isSchema(of) && 'not' in of));
    into.push({ pattern, keys: keys.map(([key]) => key) });
    for (const [key, value] of Object.entries(schema.properties)) collect(value, [...pattern, key], into);
  }
  collect(schema.additionalProperties, [...pattern, ANY], into);
  collect(schema.items, [...pattern, ANY], into);
}

/** How many parts of `path` the pattern shares with it, from the top. */
export function sharedParts(pattern: readonly string[], path: Path): number {
  const end = pattern.findIndex((part, i) => i >= path.length || (part !== ANY && part !== path[i]));
  return end === -1 ? pattern.length : end;
}
