/** `when`: which requests are meant. Several keys mean all of them, a list means any of its items. */
import * as z from 'zod';
import { limits } from '../../core/limits.ts';
import type { Match, TextPattern } from '../../core/traffic/rule.ts';
import { headerName, network, text, textOrNumber, urlPath } from './values.ts';

const { whenItemsMax, patternCharsMax } = limits.file;

function oneOrMore<Item extends z.ZodType>(item: Item, what: string) {
  const error = `${what}, or a list of at most ${whenItemsMax}`;
  const list = z.array(item, error).min(1, error).max(whenItemsMax, error);
  return z.union([item.transform((one) => [one]), list], error);
}

const VALUE_PHRASE = 'a value; * stands for any text';
const valuePattern = textOrNumber(VALUE_PHRASE).refine((one) => one.length <= patternCharsMax, VALUE_PHRASE);

function valuesByName<Name extends z.core.$ZodRecordKey>(name: Name, example: string) {
  return z
    .record(name, oneOrMore(valuePattern, VALUE_PHRASE), example)
    .refine((named) => Object.keys(named).length > 0, example);
}

const HOST_PHRASE = 'a host such as shop.example.com or *.example.com';
const host = z.string(HOST_PHRASE).regex(/^(\*\.)?[A-Za-z0-9_.-]{1,253}$/, HOST_PHRASE);
const METHOD_PHRASE = 'a method such as GET';
const method = z.string(METHOD_PHRASE).regex(/^[A-Za-z]{1,32}$/, METHOD_PHRASE);
const COUNTRY_PHRASE = 'a country in two letters, such as DE';
const country = z.string(COUNTRY_PHRASE).regex(/^[A-Za-z]{2}$/, COUNTRY_PHRASE);

const keys = {
  host: oneOrMore(host, HOST_PHRASE).optional().describe('The host.'),
  path: oneOrMore(urlPath(), 'a path')
    .optional()
    .describe('Whole path segments at the start, such as /api; with * the whole path, such as /*/beta.'),
  method: oneOrMore(method, METHOD_PHRASE).optional().describe('The method.'),
  header: valuesByName(headerName(), 'headers and their values')
    .optional()
    .describe('Headers, each there once with the value; * stands for any text.'),
  cookie: valuesByName(text('the name of a cookie'), 'cookies and their values')
    .optional()
    .describe('Cookies, in the same way.'),
  query: valuesByName(text('the name of a parameter'), 'parameters and their values')
    .optional()
    .describe('Parameters of the query, in the same way.'),
  network: oneOrMore(network(), 'a network such as 10.0.0.0/8')
    .optional()
    .describe('Networks that the client is in.'),
  country: oneOrMore(country, COUNTRY_PHRASE)
    .optional()
    .describe('Countries that the client is in, as gateway.geo says it.'),
};
const PHRASE = 'what requests have, such as { header: { X-Beta: yes } }';
const condition = z.strictObject(keys, PHRASE).refine((value) => Object.keys(value).length > 0, PHRASE);
type Condition = z.output<typeof condition>;

/** Whatever it has. */
export const EVERYTHING: Match = { type: 'all', of: [] };

export const when = z
  .strictObject(
    {
      ...keys,
      any: z
        .array(condition, 'a list')
        .min(1, 'at least one')
        .max(whenItemsMax, `at most ${whenItemsMax}`)
        .optional()
        .describe('One of these, each with the keys above.'),
      not: condition.optional().describe('And not these, with the keys above.'),
    },
    PHRASE,
  )
  .refine((value) => Object.keys(value).length > 0, PHRASE)
  .transform(({ any, not, ...rest }): Match => {
    const parts = partsOf(rest);
    if (any) parts.push(anyOf(any.map((one) => allOf(partsOf(one)))));
    if (not) parts.push({ type: 'not', match: allOf(partsOf(not)) });
    return allOf(parts);
  });

function partsOf(wanted: Condition): Match[] {
  const { host: hosts, path: paths, method: methods, header, cookie, query, network: networks } = wanted;
  const parts: Match[] = [];
  if (hosts) parts.push(anyOf(hosts.map((one) => ({ type: 'host', host: one.toLowerCase() }))));
  if (paths) parts.push(anyOf(paths.map(pathMatch)));
  if (methods) parts.push({ type: 'method', methods: methods.map((one) => one.toUpperCase()) });
  for (const [type, named] of [
    ['header', header],
    ['cookie', cookie],
    ['query', query],
  ] as const) {
    for (const [name, values] of Object.entries(named ?? {})) {
      parts.push(anyOf(values.map((one) => ({ type, name, value: patternOf(one) }))));
    }
  }
  if (networks) parts.push({ type: 'network', networks });
  if (wanted.country) {
    parts.push({ type: 'country', countries: wanted.country.map((one) => one.toUpperCase()) });
  }
  return parts;
}

const patternOf = (written: string): TextPattern => ({
  type: written.includes('*') ? 'glob' : 'exact',
  text: written,
});

function pathMatch(path: string): Match {
  return { type: 'path', path: { type: path.includes('*') ? 'glob' : 'prefix', text: path } };
}

function anyOf(of: readonly Match[]): Match {
  const [first] = of;
  return of.length === 1 && first ? first : { type: 'any', of };
}

function allOf(of: readonly Match[]): Match {
  const [first] = of;
  return of.length === 1 && first ? first : { type: 'all', of };
}
