/**
 * The small values of segue.yaml as zod schemas. The error text of each completes "expected ..."; defaults
 * are written as the user would write them (`prefault`), so that the JSON Schema can show them.
 */
import * as z from 'zod';
import { limits } from '../../core/limits.ts';
import { parseNetwork } from '../../core/traffic/networks.ts';
import {
  formatBytes,
  formatDurationMs,
  parseBytes,
  parseDurationMs,
  parseSharePercent,
  parseTimes,
} from '../../core/units.ts';

const DURATION = /^(0|\d+(\.\d+)?\s*(ms|s|m|h|d))$/;

/** From `minMs` to `maxMs`; timers of Node end at 24.8 days, so nothing that is waited for may be longer. */
export function duration(minMs = 0, maxMs: number = limits.file.durationMaxMs) {
  const error = 'a duration such as 500ms, 30s or 10m';
  const written = z.string(error).regex(DURATION, error);
  return z
    .union(minMs > 0 ? [written] : [written, z.literal(0, error)], error)
    .transform((value, context): number => {
      const ms = parseDurationMs(String(value));
      if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms;
      const range = `a duration from ${formatDurationMs(minMs)} to ${formatDurationMs(maxMs)}`;
      context.issues.push({ code: 'custom', input: value, message: range });
      return z.NEVER;
    });
}

export function whole(min: number, max: number) {
  const error = `a whole number from ${min} to ${max}`;
  return z.int(error).min(min, error).max(max, error);
}

/** `10MB`, in the units of `formatBytes`. */
export function bytes(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  const error = 'a size such as 500KB, 10MB or 1GB';
  return z.union([z.string(error), z.number(error)], error).transform((value, context): number => {
    const size = parseBytes(String(value));
    if (size !== undefined && size >= min && size <= max) return size;
    const range = size === undefined ? error : `a size from ${formatBytes(min)} to ${formatBytes(max)}`;
    context.issues.push({ code: 'custom', input: value, message: range });
    return z.NEVER;
  });
}

/** `5%`, `5` or `0.5%`; result in percent. */
export function share() {
  const error = 'a share such as 5%';
  return z.union([z.string(error), z.number(error)], error).transform((value, context): number => {
    const percent = parseSharePercent(String(value));
    if (percent !== undefined) return percent;
    context.issues.push({ code: 'custom', input: value, message: 'a share from 0% to 100%' });
    return z.NEVER;
  });
}

/** `5%` or `5`: what the gateway can deal out exactly. */
export function wholePercent(min = 1) {
  const error = `a whole share from ${min}% to 100%`;
  return z.union([z.string(error), z.number(error)], error).transform((value, context): number => {
    const percent = parseSharePercent(String(value));
    if (percent !== undefined && percent >= min && Number.isInteger(percent)) return percent;
    context.issues.push({ code: 'custom', input: value, message: error });
    return z.NEVER;
  });
}

/** A share between two percents; result from 0 to 1. */
export function shareOf(minPercent: number, maxPercent: number) {
  const error = `a share from ${minPercent}% to ${maxPercent}%`;
  return z.union([z.string(error), z.number(error)], error).transform((value, context): number => {
    const percent = parseSharePercent(String(value));
    if (percent !== undefined && percent >= minPercent && percent <= maxPercent) return percent / 100;
    context.issues.push({ code: 'custom', input: value, message: error });
    return z.NEVER;
  });
}

/** `1.5x`: how many times something; at least once. */
export function times() {
  const error = 'how many times, such as 1.5x';
  return z.union([z.string(error), z.number(error)], error).transform((value, context): number => {
    const factor = parseTimes(String(value));
    if (factor !== undefined && factor >= 1) return factor;
    const message = factor === undefined ? error : `${error}, at least 1x`;
    context.issues.push({ code: 'custom', input: value, message });
    return z.NEVER;
  });
}

/** YAML reads a bare `off` as text or as false, depending on its version. */
export function off(phrase: string) {
  return z.union([z.literal('off', phrase), z.literal(false, phrase)], phrase).transform(() => null);
}

/** A key that makes no sense where it stands, and why; its neighbours may have it. */
export function nothing(why: string) {
  return z.never(`does not belong here: ${why}`).optional().describe(`Not here: ${why}.`);
}

export function network() {
  const error = 'a network such as 10.0.0.0/8 or fd00::/8';
  return z.string(error).refine((value) => parseNetwork(value) !== undefined, error);
}

export const port = () => whole(1, 65_535);

export function text(what: string) {
  return z.string(what).min(1, what);
}

/** Header values and the like: written as text or number, kept as text. */
export function textOrNumber(what: string) {
  return z.union([z.string(what), z.number(what), z.boolean(what)], what).transform(String);
}

const NAME = /^[a-z][a-z0-9-]{0,30}$/;
export const NAME_PHRASE =
  'a name of lower-case letters, digits and "-", starting with a letter, at most 31 characters';

export function isName(value: string): boolean {
  return NAME.test(value);
}

export const name = () => z.string(NAME_PHRASE).regex(NAME, NAME_PHRASE);

/** A command: text, or a list of words that no shell touches. */
export function command() {
  const error = 'a command such as "node server.js", or a list of its words';
  const words = z.array(text('a word of the command'), error).min(1, error);
  return z.union([text(error), words], error);
}

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

export function headerName() {
  const error = 'the name of an HTTP header';
  return z.string(error).regex(HEADER_NAME, error);
}

export function headers() {
  return z.record(headerName(), textOrNumber('the value of a header'), 'headers and their values');
}

/** A path of an HTTP request: `/livez`. */
export function urlPath() {
  const error = 'a path that starts with "/"';
  return z.string(error).regex(/^\/[^\s#]*$/, error);
}

/** The short form means what `expand` makes of it; both end as the long form. */
export function shortOrLong<Short extends z.ZodType, Input, Output>(
  error: string,
  short: Short,
  long: z.ZodType<Output, Input>,
  expand: (value: z.output<Short>) => Input,
) {
  const expanded = short.transform((value, context): Output => {
    const parsed = long.safeParse(expand(value));
    if (parsed.success) return parsed.data;
    context.issues.push({ code: 'custom', input: value, message: parsed.error.issues[0]?.message ?? error });
    return z.NEVER;
  });
  return z.union([expanded, long], error);
}
