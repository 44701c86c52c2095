/** `judge.metrics:` of a service: numbers from outside that the judge looks at, too. */
import * as z from 'zod';
import type { MetricChoice, MetricOrigin, MetricRule } from '../../core/judge/guard-choices.ts';
import { longestRangeMs, PLACEHOLDERS, placeholdersIn } from '../../core/judge/placeholders.ts';
import { limits } from '../../core/limits.ts';
import { duration, headerName, text, textOrNumber, times, whole } from './values.ts';

const URL_PHRASE = 'an address such as http://127.0.0.1:9090, without a password in it';
const address = () => z.string(URL_PHRASE).regex(/^https?:\/\/[^\s/@]+(\/[^\s#]*)?$/, URL_PHRASE);

const { queryCharsMax, headersMax, metricsMax } = limits.guards;

const headers = z
  .record(headerName(), textOrNumber('the value of a header, or env:NAME'), 'headers and their values')
  .refine((value) => Object.keys(value).length <= headersMax, `at most ${headersMax} headers`)
  .refine(
    (value) => Object.entries(value).every(([name, is]) => !isSecret(name) || is.startsWith('env:')),
    'env:NAME as the value of Authorization and Cookie: what stands in the file is kept in the journal',
  );

const isSecret = (name: string) => ['authorization', 'cookie'].includes(name.toLowerCase());

const NUMBER = 'a number';
const number = () => z.number(NUMBER);

const compare = z.strictObject(
  {
    tolerate: times()
      .prefault('1.2x')
      .describe("How many times worse than stable's the candidate's value may be."),
    worse: z
      .enum(['higher', 'lower'], 'higher or lower')
      .prefault('higher')
      .describe('Which values are the worse ones.'),
    negligible: number().prefault(0).describe('A value of the candidate up to this is never too high.'),
  },
  'tolerate, worse and negligible',
);

const shape = z.strictObject(
  {
    prometheus: address().optional().describe('Address of a server that answers PromQL, without /api/v1.'),
    query: text('a query in PromQL')
      .max(queryCharsMax, `at most ${queryCharsMax} characters`)
      .optional()
      .describe('An instant query with one number as its result; {{version}} and others are filled in.'),
    json: address()
      .optional()
      .describe(
        'Instead of prometheus: an address that answers with JSON; {{version}} and others are filled in.',
      ),
    value: text('the way to a number, such as stats.errors or items.0.value')
      .optional()
      .describe('Where in the JSON the number stands.'),
    headers: headers
      .prefault({})
      .describe('Headers of the request. env:NAME takes the value from where "segue up" is run.'),
    every: duration(limits.guards.intervalMinMs).prefault('15s').describe('From one question to the next.'),
    timeout: duration(1).prefault('5s').describe('No answer after this is none.'),
    over: duration()
      .optional()
      .describe('How far back one value looks. Without it: as far as the widest range in the query.'),
    max: number().optional().describe('A value above this is too high.'),
    min: number().optional().describe('A value below this is too low.'),
    readings: whole(1, 100)
      .prefault(3)
      .describe('With max or min: so many values in a row decide, either way.'),
    compare: compare
      .optional()
      .describe("Instead of a bound: held against stable's value at the same moments."),
    watch: z.literal(true, 'true').optional().describe('Instead of both: only shown.'),
  },
  'where to ask (prometheus and query, or json and value), and max, min, compare or watch',
);

type Shape = z.output<typeof shape>;

const metric = shape.transform((value, context): MetricChoice => {
  const refuse = (message: string, path: string[] = []): never => {
    context.issues.push({ code: 'custom', input: value, message, path });
    return z.NEVER;
  };
  const origin = originOf(value);
  if (!origin) return refuse('prometheus with query, or json with value');
  const rule = ruleOf(value);
  if (!rule) return refuse('exactly one of max and min, compare, and watch');
  const [place, asked] = origin.type === 'prometheus' ? ['query', origin.query] : ['json', origin.url];
  const names = placeholdersIn(asked);
  const unknown = names.find((name) => !PLACEHOLDERS.some((known) => known === name));
  if (unknown !== undefined)
    return refuse(`nothing but ${listed()} in double braces, not ${unknown}`, [place]);
  if (rule.type === 'compare' && !names.some((name) => TELLS_SIDES.includes(name)))
    return refuse('{{version}}, {{instances}} or {{addresses}} in it, or both sides would be the same', [
      place,
    ]);
  if (rule.type === 'bound' && rule.min !== null && rule.max !== null && rule.min > rule.max)
    return refuse('a min that is not above max', ['min']);
  const overMs = value.over ?? (origin.type === 'prometheus' ? longestRangeMs(origin.query) : 0);
  return { origin, everyMs: value.every, timeoutMs: value.timeout, overMs, rule };
});

const TELLS_SIDES = ['version', 'instances', 'addresses'];
const listed = () => PLACEHOLDERS.join(', ');

function originOf({ prometheus, query, json, value, headers: with_ }: Shape): MetricOrigin | null {
  if (prometheus !== undefined && query !== undefined && json === undefined && value === undefined)
    return { type: 'prometheus', url: prometheus, query, headers: with_ };
  if (json === undefined || value === undefined || prometheus !== undefined || query !== undefined)
    return null;
  return { type: 'json', url: json, value: value.split('.'), headers: with_ };
}

function ruleOf({ max, min, compare: against, watch, readings }: Shape): MetricRule | null {
  const isBound = max !== undefined || min !== undefined;
  if ([isBound, against !== undefined, watch !== undefined].filter(Boolean).length !== 1) return null;
  if (isBound) return { type: 'bound', min: min ?? null, max: max ?? null, readings };
  return against ? { type: 'compare', ...against } : { type: 'watch' };
}

const NAME_PHRASE = 'a name of letters, digits, "_" and "-", at most 60 characters';

export const metrics = z
  .record(
    z.string(NAME_PHRASE).regex(/^[A-Za-z_][A-Za-z0-9_-]{0,59}$/, NAME_PHRASE),
    metric,
    'names of metrics, and where to ask for each',
  )
  .refine((value) => Object.keys(value).length <= metricsMax, `at most ${metricsMax} metrics`);
