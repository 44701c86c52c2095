/**
 * Values by type, as SQL over a number: the same number gives the same value, another number another one wherever
 * the type has room for it. Rows and parameters are both made with them, so that there is one way only.
 */
import { quoteText } from '../identifier.ts';
import { type Bounds, UNBOUND } from './checks.ts';
import type { ValueType } from './table.ts';

/** An expression of the type, or null where no value of it can be made. `n` is an expression of type bigint. */
export function valueSql(type: ValueType, n: string, bounds: Bounds = UNBOUND): string | null {
  const made = bounds.oneOf === null ? plainValue(type, n, bounds) : pick(bounds.oneOf, n);
  return made === null ? null : `(${made})::${type.name}`;
}

const pick = (texts: readonly string[], n: string) =>
  `(ARRAY[${texts.map(quoteText).join(', ')}])[1 + ((${n}) % ${texts.length})::int]`;

function plainValue(type: ValueType, n: string, bounds: Bounds): string | null {
  switch (type.kind) {
    case 'enum':
      return `(enum_range(NULL::${type.base}))[1 + ((${n}) % array_length(enum_range(NULL::${type.base}), 1))::int]`;
    case 'array': {
      const element = baseValue(type.base, n, bounds);
      const next = baseValue(type.base, `${n} + 1`, bounds);
      return element === null || next === null ? `'{}'` : `ARRAY[${element}, ${next}]`;
    }
    case 'range':
      return rangeValue(type.base, n);
    case 'base':
      return baseValue(type.base, n, bounds);
    case 'other':
      return null;
  }
}

function baseValue(written: string, n: string, bounds: Bounds): string | null {
  const [, name = '', first, second] = /^([^(]+?)(?:\((\d+)(?:,(-?\d+))?\)(.*))?$/.exec(written) ?? [];
  const rest = /\)(.*)$/.exec(written)?.[1] ?? '';
  const make = MAKERS[`${name}${rest}`];
  if (!make) return null;
  return make(
    n,
    bounds,
    first === undefined ? null : Number(first),
    second === undefined ? 0 : Number(second),
  );
}

type Maker = (n: string, bounds: Bounds, first: number | null, second: number) => string;

const within =
  (max: number): Maker =>
  (n, bounds) => {
    const from = bounds.min ?? 1;
    const to = Math.min(bounds.max ?? from + max - 1, from + max - 1);
    return `${Math.ceil(from)} + (${n}) % ${Math.max(1, Math.floor(to) - Math.ceil(from) + 1)}`;
  };

const INTEGER_VALUES = 2 ** 31 - 2;
const SMALLINT_VALUES = 32_000;

/** As many digits before the point as the type holds, not more than stay readable. */
const numeric: Maker = (n, bounds, precision, scale) => {
  const digits = Math.min(9, precision === null ? 9 : Math.max(0, precision - scale));
  const whole = within(10 ** digits)(n, { ...bounds, min: bounds.min ?? 0 }, null, 0);
  const cents = precision === null ? 2 : Math.min(2, scale);
  if (cents <= 0 || bounds.max !== null) return whole;
  return `${whole} + ((${n}) % ${10 ** cents})::numeric / ${10 ** cents}`;
};

/** Two words, as names have them; a short type keeps the end, where the numbers differ. */
const text: Maker = (n, bounds, length) => {
  const most = Math.min(length ?? Number.POSITIVE_INFINITY, bounds.lengthMax ?? Number.POSITIVE_INFINITY);
  const whole = `'first' || (${n}) || ' last' || (${n})`;
  return most < 40 ? `right((${most < 16 ? `(${n})::text` : whole}), ${most})` : whole;
};

const MOMENT = `timestamptz '2024-01-01 00:00:00+00'`;
const seconds = (n: string, most: number) => `((${n}) % ${most}) * interval '1 second'`;
const YEARS_SECONDS = 50_000_000;

const MAKERS: Readonly<Record<string, Maker>> = {
  smallint: within(SMALLINT_VALUES),
  integer: within(INTEGER_VALUES),
  bigint: within(Number.MAX_SAFE_INTEGER),
  numeric,
  real: within(1_000_000),
  // With a fraction that no conversion to another type of number keeps by chance.
  'double precision': (n, bounds) =>
    bounds.max === null ? `${bounds.min ?? 0} + (${n}) / 4.0` : within(1_000_000)(n, bounds, null, 0),
  money: (n) => `((${n}) % 1000000)::numeric`,
  boolean: (n) => `(${n}) % 2 = 0`,
  text,
  'character varying': text,
  character: (n, bounds, length) => text(n, bounds, length ?? 1, 0),
  name: (n) => `'name' || (${n})`,
  citext: text,
  uuid: (n) => `md5((${n})::text)`,
  date: (n) => `date '2020-01-01' + ((${n}) % 3000)::int`,
  'timestamp with time zone': (n) => `${MOMENT} + ${seconds(n, YEARS_SECONDS)}`,
  'timestamp without time zone': (n) => `timestamp '2024-01-01 00:00:00' + ${seconds(n, YEARS_SECONDS)}`,
  'time without time zone': (n) => `time '00:00:00' + ${seconds(n, 86_400)}`,
  'time with time zone': (n) => `timetz '00:00:00+00' + ${seconds(n, 86_400)}`,
  interval: (n) => seconds(n, 86_400),
  json: (n) => `json_build_object('n', ${n})`,
  jsonb: (n) => `jsonb_build_object('n', ${n})`,
  bytea: (n) => `decode(md5((${n})::text), 'hex')`,
  inet: (n) => `inet '10.0.0.0' + (${n}) % 16777216`,
  cidr: (n) => `set_masklen((inet '10.0.0.0' + (${n}) % 16777216)::cidr, 32)`,
  macaddr: (n) => `lpad(to_hex((${n}) % 281474976710655), 12, '0')`,
  point: (n) => `point((${n}) % 180, (${n}) % 90)`,
  tsvector: (n) => `to_tsvector('simple', 'word' || (${n}))`,
  bit: (n, _bounds, length) => `right(((${n})::bit(64))::text, ${Math.min(64, length ?? 1)})`,
  'bit varying': (n, _bounds, length) => `right(((${n})::bit(64))::text, ${Math.min(64, length ?? 64)})`,
};

function rangeValue(name: string, n: string): string | null {
  switch (name) {
    case 'int4range':
      return `int4range(((${n}) % 1000000)::int, ((${n}) % 1000000 + 10)::int)`;
    case 'int8range':
      return `int8range(${n}, ${n} + 10)`;
    case 'numrange':
      return `numrange((${n})::numeric, (${n})::numeric + 10)`;
    case 'daterange':
      return `daterange(date '2020-01-01' + ((${n}) % 3000)::int, date '2020-01-08' + ((${n}) % 3000)::int)`;
    case 'tstzrange':
      return `tstzrange(${MOMENT} + ${seconds(n, YEARS_SECONDS)}, ${MOMENT} + ${seconds(n, YEARS_SECONDS)} + interval '1 hour')`;
    default:
      return null;
  }
}
