/** What a definition file can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

export const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
export const isJsonList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Flags may be called as what every object has: `constructor`. */
export function ownOf<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

const isJson = (value: unknown): value is Json => value !== undefined;

/** Throws SyntaxError. */
export function fromJson(text: string): Json {
  const value: unknown = JSON.parse(text);
  return isJson(value) ? value : null;
}

/** As JavaScript makes a text of it. */
export function textOf(value: unknown): string {
  if (isList(value))
    return value.map((item) => (item === null || item === undefined ? '' : textOf(item))).join(',');
  return typeof value === 'object' && value !== null ? '[object Object]' : String(value);
}
