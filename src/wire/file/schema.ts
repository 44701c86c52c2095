/**
 * The shape of segue.yaml, once: what is checked, what it means (the output is core's `Project`), and, by
 * `json-schema.ts`, what editors complete. Every key has a description because editors show it.
 */
import * as z from 'zod';
import { limits } from '../../core/limits.ts';
import { database } from './database.ts';
import { flags } from './flags.ts';
import { gateway } from './gateway.ts';
import { health } from './health.ts';
import { judge } from './judge.ts';
import { run, workerRun } from './run.ts';
import { smokeTest } from './smoke.ts';
import { strategy } from './strategy.ts';
import { traffic } from './traffic.ts';
import { duration, name, nothing, shortOrLong, text, whole } from './values.ts';
import { workerHealth, workerJudge, workerStrategy } from './worker.ts';

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

const filesKey = files.prefault('.').describe('What is released: a folder, or { dir, ignore }.');
const instancesKey = whole(1, limits.file.instancesPerServiceMax)
  .prefault(1)
  .describe('How many copies run.');
const smokeTests = z
  .array(smokeTest, 'a list of smoke tests')
  .max(limits.file.smokeTestsMax, `at most ${limits.file.smokeTestsMax} smoke tests`)
  .prefault([]);
const afterKey = z
  .array(name(), 'names of services')
  .max(limits.file.servicesMax, `at most ${limits.file.servicesMax} services`)
  .prefault([])
  .describe('Services that come first where several are released together; they go back after it.');

const web = z
  .strictObject(
    {
      kind: z
        .literal('web')
        .optional()
        .describe('web, which is what a service is without it: it serves traffic.'),
      run: run.describe('How one instance is started: a command, or { command, env, stop }.'),
      files: filesKey,
      instances: instancesKey,
      traffic: traffic.describe('Where users come in and how they are treated during a change.'),
      drain: nothing('requests have traffic.drain; only a worker (kind: worker) has drain'),
      health: health.prefault({}).describe('How Segue knows that an instance is alive and ready.'),
      strategy: strategy
        .prefault('rolling')
        .describe('How a new version goes live: rolling, blue-green, handover, or { type, ... }.'),
      judge: judge
        .prefault({})
        .describe('What the new version may do worse than the one before: off, or { errors, latency, ... }.'),
      smoke: smokeTests.describe(
        'What must work on the new version before it gets traffic, and again after.',
      ),
      after: afterKey,
    },
    'a service: run, traffic and more',
  )
  .transform(({ drain: _drain, ...rest }) => ({ ...rest, kind: 'web' as const }));

const worker = z
  .strictObject(
    {
      kind: z.literal('worker').describe('It drains jobs: nothing is routed to it.'),
      run: workerRun.describe('How one instance is started: a command, or { command, env, stop }.'),
      files: filesKey,
      instances: instancesKey,
      drain: duration()
        .prefault('30s')
        .describe('What jobs under way get once their instance is told to stop; then it is killed.'),
      traffic: nothing('a worker serves no traffic; without kind: worker the service does'),
      health: workerHealth.prefault({}).describe('How Segue knows that an instance is alive and ready.'),
      strategy: workerStrategy
        .prefault('rolling')
        .describe('How a new version takes over: rolling, blue-green, handover, or { type, ... }.'),
      judge: workerJudge
        .prefault({})
        .describe('What the new version may do worse than the one before: off, or { metrics, saturation }.'),
      smoke: smokeTests.describe('What must work on the first new instances before others follow.'),
      after: afterKey,
    },
    'a worker: kind, run and more',
  )
  .transform(({ traffic: _traffic, drain, ...rest }) => ({ ...rest, drainMs: drain }));

export const service = z.discriminatedUnion('kind', [web, worker], 'web or worker');

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
  database: database.optional().describe('The database whose changes are released with the code.'),
  flags: flags.prefault({}).describe('Feature flags of the project.'),
};

export const base = z.strictObject(
  { project: name().describe('The name of the project.'), ...changeable },
  'a project: project, services and more',
);

export const CHANGEABLE_KEYS: readonly string[] = Object.keys(changeable);
