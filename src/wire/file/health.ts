/** `health:` of a web service: liveness, readiness, dependencies. */
import * as z from 'zod';
import type { Check } from '../../core/project.ts';
import { command, duration, name, shortOrLong, urlPath, whole } from './values.ts';

export const CHECK_PHRASE = 'a check: a path such as /livez, "tcp", tcp://host:port or http://host/path';
const ADDRESS = /^(?:tcp:\/\/)?(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/;

function url() {
  const error = 'an address such as http://127.0.0.1:9000/health';
  return z.string(error).regex(/^https?:\/\/[^\s/]+/, error);
}

function tcp() {
  const error = '"host:port", a port of the instance, or true for the port it was given';
  return z
    .union([z.literal(true, error), whole(1, 65_535), z.string(error).regex(ADDRESS, error)], error)
    .transform((value, context): Check => {
      if (value === true) return { type: 'tcp', host: null, port: null };
      if (typeof value === 'number') return { type: 'tcp', host: null, port: value };
      const [, v6, host, port] = ADDRESS.exec(value) ?? [];
      if (Number(port) >= 1 && Number(port) <= 65_535)
        return { type: 'tcp', host: v6 ?? host ?? null, port: Number(port) };
      context.issues.push({ code: 'custom', input: value, message: 'a port from 1 to 65535' });
      return z.NEVER;
    });
}

export const what = {
  path: urlPath()
    .optional()
    .describe('Asked on the instance itself with GET; a status from 200 to 399 passes.'),
  url: url().optional().describe('Asked with GET; a status from 200 to 399 passes.'),
  tcp: tcp()
    .optional()
    .describe('Passes when a connection opens: "host:port", a port, or true for the port of the instance.'),
  command: command().optional().describe('Passes when it ends with exit code 0.'),
};

const { path: _path, ...elsewhere } = what;

interface Asked {
  readonly path?: string | undefined;
  readonly url?: string | undefined;
  readonly tcp?: Check | undefined;
  readonly command?: string | string[] | undefined;
}

/** Exactly one of path, url, tcp and command says what is asked. */
export function checkOf(asked: Asked, context: z.RefinementCtx): Check {
  const checks: Check[] = [
    ...(asked.path === undefined ? [] : [{ type: 'path', path: asked.path } as const]),
    ...(asked.url === undefined ? [] : [{ type: 'http', url: asked.url } as const]),
    ...(asked.tcp === undefined ? [] : [asked.tcp]),
    ...(asked.command === undefined ? [] : [{ type: 'command', command: asked.command } as const]),
  ];
  const [check, ...more] = checks;
  if (check && more.length === 0) return check;
  context.issues.push({
    code: 'custom',
    input: asked,
    message: `exactly one of path, url, tcp and command`,
  });
  return z.NEVER;
}

/** `/livez`, `tcp`, `tcp://host:port`, `http://host/path` */
export function shortCheck() {
  const form = /^(\/[^\s#]*|tcp|tcp:\/\/\S+:\d+|https?:\/\/[^\s/]+\S*)$/;
  return z.string(CHECK_PHRASE).regex(form, CHECK_PHRASE);
}

export function expandCheck(value: string) {
  if (value.startsWith('/')) return { path: value };
  if (value === 'tcp') return { tcp: true as const };
  return value.startsWith('tcp://') ? { tcp: value } : { url: value };
}

export const interval = () => duration(10);

export const liveness = shortOrLong(
  `${CHECK_PHRASE}, or its long form`,
  shortCheck(),
  z
    .strictObject(
      {
        ...what,
        interval: interval().prefault('5s').describe('From one question to the next.'),
        timeout: interval().prefault('2s').describe('No answer after this is a failure.'),
        failures: whole(1, 1000).prefault(3).describe('Failures in a row that restart the instance.'),
      },
      'a liveness check',
    )
    .transform((value, context) => ({
      check: checkOf(value, context),
      intervalMs: value.interval,
      timeoutMs: value.timeout,
      failures: value.failures,
    })),
  expandCheck,
);

const readiness = shortOrLong(
  `${CHECK_PHRASE}, or its long form`,
  shortCheck(),
  z
    .strictObject(
      {
        ...what,
        interval: interval().prefault('500ms').describe('From one question to the next.'),
        timeout: interval().prefault('1s').describe('No answer after this is a failure.'),
        successes: whole(1, 1000).prefault(2).describe('Passes in a row before an instance gets traffic.'),
        failures: whole(1, 1000)
          .prefault(3)
          .describe('Failures in a row before a ready instance gets no more traffic.'),
        within: interval()
          .prefault('60s')
          .describe('A new instance that is not ready after this ends its release.'),
      },
      'a readiness check',
    )
    .transform((value, context) => ({ check: checkOf(value, context), ...timesOf(value) })),
  expandCheck,
);

interface Times {
  readonly interval: number;
  readonly timeout: number;
  readonly successes: number;
  readonly failures: number;
  readonly within: number;
}

export function timesOf({ interval: each, timeout, successes, failures, within }: Times) {
  return { intervalMs: each, timeoutMs: timeout, successes, failures, withinMs: within };
}

const DEPENDENCY_PHRASE = 'tcp://host:port, http://host/path, or one of url, tcp and command';

const dependency = shortOrLong(
  DEPENDENCY_PHRASE,
  z.string(DEPENDENCY_PHRASE).regex(/^(tcp:\/\/\S+:\d+|https?:\/\/[^\s/]+\S*)$/, DEPENDENCY_PHRASE),
  z.strictObject(elsewhere, DEPENDENCY_PHRASE).transform(checkOf),
  expandCheck,
);

export const dependencies = z
  .record(name(), dependency, 'names and what to ask, such as database: tcp://127.0.0.1:5432')
  .prefault({});

export const health = z
  .strictObject(
    {
      liveness: liveness
        .optional()
        .describe('Is the instance alive? One that fails is restarted. Without it only its exit counts.'),
      readiness: readiness
        .prefault('tcp')
        .describe('May the instance get traffic? Without it: once a connection to its port opens.'),
      dependencies: dependencies.describe(
        'What the service needs: must pass before a new instance gets traffic.',
      ),
    },
    'liveness, readiness and dependencies',
  )
  .transform((value) => ({ ...value, liveness: value.liveness ?? null }));
