/**
 * The shape of segue.yaml, once: what is checked, what it means (the output is core's `Project`), and, by
 * `json-schema.ts`, what editors complete. Every key has a description because editors show it.
 */
import { z } from 'zod';
import { limits } from '../../core/limits.ts';
import { flags } from './flags.ts';
import { gateway } from './gateway.ts';
import { health } from './health.ts';
import { judge } from './judge.ts';
import { smokeTest } from './smoke.ts';
import { strategy } from './strategy.ts';
import { traffic } from './traffic.ts';
import { command, duration, name, shortOrLong, text, textOrNumber, whole } from './values.ts';

/** What Segue sets for every instance; a value here would never be seen. */
const ENV_PHRASE = 'the name of a variable other than PORT and SEGUE_*, which Segue sets itself';
const ENV_NAME = /^(?!PORT$)(?!SEGUE_)[A-Za-z_][A-Za-z0-9_]*$/;
const ENV_VALUE = 'text, a number, true or false; env:NAME takes it from the environment of "segue up"';

const stop = z
  .strictObject(
    {
      signal: z
        .enum(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'], 'a signal such as SIGTERM')
        .prefault('SIGTERM')
        .describe('The signal that asks the program to end.'),
      within: duration().prefault('30s').describe('What has not ended after this is killed.'),
    },
    'signal and within',
  )
  .transform(({ signal, within }) => ({ signal, withinMs: within }));

const run = shortOrLong(
  'a command such as node server.js, or { command, env, stop }',
  command(),
  z.strictObject(
    {
      command: command().describe('Starts one instance; run in the released folder, with PORT set.'),
      env: z
        .record(z.string(ENV_PHRASE).regex(ENV_NAME, ENV_PHRASE), textOrNumber(ENV_VALUE), 'variables')
        .prefault({})
        .describe('Environment variables. env:NAME takes the value from where "segue up" is run.'),
      stop: stop.prefault({}).describe('How an instance is asked to end.'),
    },
    'command, env and stop',
  ),
  (value) => ({ command: value }),
);

const files = shortOrLong(
  'a folder such as ./build, or { dir, ignore }',
  text('a folder'),
  z.strictObject(
    {
      dir: text('a folder').prefault('.').describe('The folder that is released.'),
      ignore: z
        .array(text('a path or pattern'), 'a list of paths or patterns')
        .prefault([])
        .describe('What of it is left out.'),
    },
    'dir and ignore',
  ),
  (dir) => ({ dir }),
);

export const service = z.strictObject(
  {
    run: run.describe('How one instance is started: a command, or { command, env, stop }.'),
    files: files.prefault('.').describe('What is released: a folder, or { dir, ignore }.'),
    instances: whole(1, limits.file.instancesPerServiceMax).prefault(1).describe('How many copies run.'),
    traffic: traffic.describe('Where users come in and how they are treated during a change.'),
    health: health.prefault({}).describe('How Segue knows that an instance is alive and ready.'),
    strategy: strategy
      .prefault('rolling')
      .describe('How a new version goes live: rolling, blue-green, handover, or { type, ... }.'),
    judge: judge
      .prefault({})
      .describe('What the new version may do worse than the one before: off, or { errors, latency, ... }.'),
    smoke: z
      .array(smokeTest, 'a list of smoke tests')
      .max(limits.file.smokeTestsMax, `at most ${limits.file.smokeTestsMax} smoke tests`)
      .prefault([])
      .describe('What must work on the new version before it gets traffic, and again after.'),
    after: z
      .array(name(), 'names of services')
      .max(limits.file.servicesMax, `at most ${limits.file.servicesMax} services`)
      .prefault([])
      .describe('Services that come first where several are released together; they go back after it.'),
  },
  'a service: run, traffic and more',
);

const keep = z
  .strictObject(
    {
      versions: whole(1, 1000).prefault(5).describe('The newest so many versions of a service stay on disk.'),
      for: duration(0, limits.file.keepMaxMs)
        .prefault('7d')
        .describe('Versions beyond that number stay until they are this old.'),
    },
    'versions and for',
  )
  .transform((value) => ({ versions: value.versions, forMs: value.for }));

const PORTS_PHRASE = 'a range of ports such as 20000-29999';

const ports = z
  .string(PORTS_PHRASE)
  .regex(/^\d{1,5}-\d{1,5}$/, PORTS_PHRASE)
  .transform((value, context) => {
    const [from = 0, to = 0] = value.split('-').map(Number);
    if (from >= 1 && from <= to && to <= 65_535) return { from, to };
    context.issues.push({ code: 'custom', input: value, message: `${PORTS_PHRASE}, the smaller first` });
    return z.NEVER;
  });

/** What an environment may change. */
const changeable = {
  services: z
    .record(name(), service, 'names of services and what they are')
    .refine((services) => Object.keys(services).length > 0, 'at least one service')
    .refine(
      (services) => Object.keys(services).length <= limits.file.servicesMax,
      `at most ${limits.file.servicesMax} services`,
    )
    .describe('The programs that Segue runs, by name.'),
  keep: keep.prefault({}).describe('How long old versions stay on disk; one that is needed always stays.'),
  ports: ports.prefault('20000-29999').describe('Instances get their ports from this range.'),
  gateway: gateway.prefault({}).describe('The gateway as a whole.'),
  flags: flags.prefault({}).describe('Feature flags of the project.'),
};

export const base = z.strictObject(
  { project: name().describe('The name of the project.'), ...changeable },
  'a project: project, services and more',
);

export const CHANGEABLE_KEYS: readonly string[] = Object.keys(changeable);
