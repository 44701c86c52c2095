import type { FlagDefinition, Metadata } from '../../core/flags/definition.ts';
import { isJsonObject, type Json, type JsonObject } from '../../core/flags/json.ts';
import type { Path } from '../file/problem.ts';

type Wrong = (path: Path, message: string) => void;

const KEYS = ['state', 'variants', 'defaultVariant', 'targeting', 'metadata'];

/** One flag in flagd's format, from a file or from whoever sets it at run time. Null: it cannot be used. */
export function readFlag(given: Json, shared: JsonObject, wrong: Wrong): FlagDefinition | null {
  if (!isJsonObject(given)) {
    wrong([], 'expected state, variants and defaultVariant');
    return null;
  }
  for (const key of Object.keys(given))
    if (!KEYS.includes(key)) wrong([key], `unknown key; expected one of ${KEYS.join(', ')}`);
  const { state, variants, defaultVariant = null, targeting = null, metadata = {} } = given;
  if (state !== 'ENABLED' && state !== 'DISABLED') wrong(['state'], 'expected ENABLED or DISABLED');
  if (!isJsonObject(variants) || Object.keys(variants).length === 0) {
    wrong(['variants'], 'expected variants and their values');
    return null;
  }
  checkTypes(variants, wrong);
  if (defaultVariant !== null && typeof defaultVariant !== 'string')
    wrong(['defaultVariant'], 'expected the name of a variant, or null for the default in the code');
  else if (defaultVariant !== null && defaultVariant !== '' && !Object.hasOwn(variants, defaultVariant))
    wrong(
      ['defaultVariant'],
      `"${defaultVariant}" is no variant; expected one of ${Object.keys(variants).join(', ')}`,
    );
  if (targeting !== null && !isJsonObject(targeting)) wrong(['targeting'], 'expected a rule');
  return {
    state: state === 'DISABLED' ? 'DISABLED' : 'ENABLED',
    variants,
    defaultVariant: typeof defaultVariant === 'string' && defaultVariant !== '' ? defaultVariant : null,
    targeting: isJsonObject(targeting) && Object.keys(targeting).length > 0 ? targeting : null,
    metadata: { ...metadataOf(shared, [], () => undefined), ...metadataOf(metadata, ['metadata'], wrong) },
  };
}

function checkTypes(variants: JsonObject, wrong: Wrong): void {
  const [first, ...others] = Object.entries(variants);
  if (!first) return;
  for (const [name, value] of others)
    if (typeOf(value) !== typeOf(first[1]))
      wrong(
        ['variants', name],
        `is ${typeOf(value)}, "${first[0]}" is ${typeOf(first[1])}; expected values of one type`,
      );
  for (const [name, value] of Object.entries(variants))
    if (value === null || Array.isArray(value))
      wrong(['variants', name], 'expected true or false, a text, a number or an object');
}

function typeOf(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value;
}

function metadataOf(given: Json, path: Path, wrong: Wrong): Metadata {
  if (!isJsonObject(given)) {
    wrong(path, 'expected names and values');
    return {};
  }
  const known: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(given))
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      known[name] = value;
    else wrong([...path, name], 'expected a text, a number, true or false');
  return known;
}
