/** Changes of type that PostgreSQL makes in its catalog alone, without reading a row. */
import type { TypeName } from './tree.ts';

interface Shape {
  readonly name: string;
  readonly mods: readonly number[];
  readonly array: boolean;
}

/** `was` as the grammar or as format_type has it. */
export function widens(was: TypeName | string, wanted: TypeName): boolean {
  const from = typeof was === 'string' ? shapeOf(was) : was;
  // Elements of an array are converted one by one, even to a type that only is wider.
  if (from.array || wanted.array)
    return (
      from.array === wanted.array && from.name === wanted.name && String(from.mods) === String(wanted.mods)
    );
  if (from.name === wanted.name) return sameTypeWidens(from, wanted);
  const isWithout = wanted.mods.length === 0;
  if (from.name === 'varchar') return wanted.name === 'text';
  if (from.name === 'text') return wanted.name === 'varchar' && isWithout;
  return from.name === 'cidr' && wanted.name === 'inet';
}

function sameTypeWidens(from: Shape, wanted: Shape): boolean {
  const [length, scale = 0] = from.mods;
  const [newLength, newScale = 0] = wanted.mods;
  if (String(from.mods) === String(wanted.mods)) return true;
  switch (from.name) {
    case 'varchar':
    case 'varbit':
    case 'time':
    case 'timetz':
    case 'timestamp':
    case 'timestamptz':
      return newLength === undefined || (length !== undefined && newLength >= length);
    case 'numeric':
      return newLength === undefined || (length !== undefined && newLength >= length && newScale === scale);
    default:
      return false;
  }
}

const WRITTEN: Readonly<Record<string, string>> = {
  'character varying': 'varchar',
  character: 'bpchar',
  integer: 'int4',
  bigint: 'int8',
  smallint: 'int2',
  boolean: 'bool',
  real: 'float4',
  'double precision': 'float8',
  'bit varying': 'varbit',
  'timestamp without time zone': 'timestamp',
  'timestamp with time zone': 'timestamptz',
  'time without time zone': 'time',
  'time with time zone': 'timetz',
};

/** `character varying(20)[]`, `timestamp(3) with time zone`. */
function shapeOf(text: string): Shape {
  const array = text.endsWith('[]');
  const [, mods] = /\(([\d,\s]+)\)/.exec(text) ?? [];
  const name = text
    .replace(/\[\]$/, '')
    .replace(/\([\d,\s]+\)/, '')
    .trim();
  return {
    name: WRITTEN[name] ?? name,
    mods: mods === undefined ? [] : mods.split(',').map(Number),
    array,
  };
}
