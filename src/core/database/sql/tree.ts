/** Reading the parse tree without trusting its shape: what is not there is empty, never an exception. */
import type { SqlNode } from './parsed.ts';

const NOTHING: SqlNode = {};

export function asNode(value: unknown): SqlNode {
  return isNode(value) ? value : NOTHING;
}

function isNode(value: unknown): value is SqlNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A node that is written without its name, because its place says what it is. */
export function child(node: SqlNode, name: string): SqlNode {
  return asNode(node[name]);
}

export interface Named {
  readonly kind: string;
  readonly node: SqlNode;
}

/** `{ Constraint: {...} }` as its kind and what it holds. */
export function named(value: unknown): Named {
  const [entry] = Object.entries(asNode(value));
  return entry ? { kind: entry[0], node: asNode(entry[1]) } : { kind: '', node: NOTHING };
}

export function items(node: SqlNode, name: string): readonly Named[] {
  const value = node[name];
  return Array.isArray(value) ? value.map(named) : [];
}

export function itemsOf(node: SqlNode, name: string, kind: string): readonly SqlNode[] {
  return items(node, name).flatMap((each) => (each.kind === kind ? [each.node] : []));
}

export function word(node: SqlNode, name: string): string {
  const value = node[name];
  return typeof value === 'string' ? value : '';
}

export function flag(node: SqlNode, name: string): boolean {
  return node[name] === true;
}

export function whole(node: SqlNode, name: string): number | null {
  const value = node[name];
  return typeof value === 'number' ? value : null;
}

/** The words of a list of strings: the parts of a name, the columns of a key. */
export function words(node: SqlNode, name: string): readonly string[] {
  return itemsOf(node, name, 'String').map((each) => word(each, 'sval'));
}

/** Of a statement's options: VACUUM (FULL), CREATE FUNCTION ... LANGUAGE. Null where it is not given. */
export function option(node: SqlNode, list: string, name: string): Named | null {
  const found = itemsOf(node, list, 'DefElem').find((each) => word(each, 'defname') === name);
  return found ? named(found['arg']) : null;
}

/** FULL, FULL true, FULL on, FULL 1: as the server reads it. */
export function optionIsOn(node: SqlNode, list: string, name: string): boolean {
  const found = option(node, list, name);
  if (!found) return false;
  if (found.kind === 'Boolean') return flag(found.node, 'boolval');
  if (found.kind === 'Integer') return whole(found.node, 'ival') === 1;
  return !/^(?:false|off|no|0)$/i.test(word(found.node, 'sval'));
}

/** Every node of that kind in a tree, wherever it is. */
export function* everyOf(value: unknown, kind: string): Generator<SqlNode> {
  const queue: unknown[] = [value];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (Array.isArray(next)) {
      for (let i = next.length - 1; i >= 0; i -= 1) queue.push(next[i]);
      continue;
    }
    const entries = Object.entries(asNode(next));
    for (const [name, inside] of entries) {
      if (name === kind) yield asNode(inside);
      if (typeof inside === 'object' && inside !== null) queue.push(inside);
    }
  }
}

export interface TableName {
  readonly schema: string | null;
  readonly name: string;
}

export function tableOf(rangeVar: SqlNode): TableName {
  return { schema: word(rangeVar, 'schemaname') || null, name: word(rangeVar, 'relname') };
}

/** DROP TABLE names its tables as lists of words. */
export function tableOfParts(parts: readonly string[]): TableName {
  return { schema: parts.at(-2) ?? null, name: parts.at(-1) ?? '' };
}

/** Names without a schema are looked for in public: what else search_path holds cannot be known here. */
export function keyOf({ schema, name }: TableName): string {
  return `${schema ?? 'public'}.${name}`;
}

/** As it can be written in a statement. */
export function quoteName(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) && !RESERVED.has(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

export function showTable({ schema, name }: TableName): string {
  return schema === null ? quoteName(name) : `${quoteName(schema)}.${quoteName(name)}`;
}

/** Words that cannot stand as a name without quotes, as far as people call tables and columns so. */
const RESERVED: ReadonlySet<string> = new Set(
  (
    'all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create ' +
    'current_date current_role current_time current_timestamp current_user default deferrable desc distinct do ' +
    'else end except false fetch for foreign from grant group having in initially intersect into lateral leading ' +
    'limit localtime localtimestamp not null offset on only or order placing primary references returning select ' +
    'session_user some symmetric table then to trailing true union unique user using variadic when where window ' +
    'with'
  ).split(' '),
);

export interface TypeName {
  /** PostgreSQL's own name where the grammar knows one: int4, varchar, timestamptz. */
  readonly name: string;
  readonly schema: string | null;
  readonly mods: readonly number[];
  readonly array: boolean;
}

export function typeOf(typeName: SqlNode): TypeName {
  const parts = words(typeName, 'names');
  const schema = parts.length > 1 ? (parts.at(-2) ?? null) : null;
  const mods = itemsOf(typeName, 'typmods', 'A_Const').map((each) => whole(child(each, 'ival'), 'ival') ?? 0);
  return {
    name: parts.at(-1) ?? '',
    schema: schema === 'pg_catalog' ? null : schema,
    mods,
    array: items(typeName, 'arrayBounds').length > 0,
  };
}

const SHOWN: Readonly<Record<string, string>> = {
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  float4: 'real',
  float8: 'double precision',
  bool: 'boolean',
  bpchar: 'char',
};

export function showType({ name, schema, mods, array }: TypeName): string {
  const base = schema === null ? (SHOWN[name] ?? quoteName(name)) : `${quoteName(schema)}.${quoteName(name)}`;
  // The grammar gives `char` the length 1, and interval a mask of its fields.
  const length = mods.length > 0 && name !== 'interval' ? `(${mods.join(', ')})` : '';
  return `${base}${length}${array ? '[]' : ''}`;
}
