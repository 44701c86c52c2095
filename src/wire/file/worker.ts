/** What a worker (`kind: worker`) has in other forms than a web service: it has no requests. */
import * as z from 'zod';
import { DEFAULT_JUDGE, type JudgeChoice } from '../../core/judge/rules.ts';
import { formatDurationMs } from '../../core/units.ts';
import {
  CHECK_PHRASE,
  checkOf,
  dependencies,
  expandCheck,
  interval,
  liveness,
  shortCheck,
  timesOf,
  what,
} from './health.ts';
import { metrics } from './metrics.ts';
import { saturationOfWorkers } from './saturation.ts';
import { rolling } from './strategy.ts';
import { duration, nothing, off, shareOf, shortOrLong, whole } from './values.ts';

const RUNS = 'how long, such as 5s';

const readiness = shortOrLong(
  `${CHECK_PHRASE}, or its long form`,
  shortCheck(),
  z
    .strictObject(
      {
        runs: duration(1).optional().describe(`Instead of a question: it has run for so long; ${RUNS}.`),
        ...what,
        interval: interval().prefault('500ms').describe('From one question to the next.'),
        timeout: interval().prefault('1s').describe('No answer after this is a failure.'),
        successes: whole(1, 1000).prefault(2).describe('Passes in a row before an instance is ready.'),
        failures: whole(1, 1000)
          .prefault(3)
          .describe('Failures in a row before a ready instance is not ready any more.'),
        within: interval()
          .prefault('60s')
          .describe('A new instance that is not ready after this ends its release.'),
      },
      'a readiness check',
    )
    .transform(({ runs, ...value }, context) => {
      const refuse = (message: string): never => {
        context.issues.push({ code: 'custom', input: value, message, path: ['runs'] });
        return z.NEVER;
      };
      if (runs === undefined) return { check: checkOf(value, context), ...timesOf(value) };
      const asked = [value.path, value.url, value.tcp, value.command].some((each) => each !== undefined);
      if (asked) return refuse('one of runs, path, url, tcp and command');
      if (runs >= value.within) return refuse(`less than within (${formatDurationMs(value.within)})`);
      return { check: { type: 'runs', forMs: runs } as const, ...timesOf(value) };
    }),
  expandCheck,
);

export const workerHealth = z
  .strictObject(
    {
      liveness: liveness
        .optional()
        .describe('Is the instance alive? One that fails is restarted. Without it only its exit counts.'),
      readiness: readiness
        .prefault({ runs: '5s' })
        .describe('Does the instance work? Without it: once it has run for 5s.'),
      dependencies: dependencies.describe('What it needs: must pass before a new instance is ready.'),
    },
    'liveness, readiness and dependencies',
  )
  .transform((value) => ({ ...value, liveness: value.liveness ?? null }));

const bake = (standard: string) =>
  duration()
    .prefault(standard)
    .describe('How long the new version is watched at work before the last of the old one leave.');

const together = z
  .strictObject({
    type: z.literal('blue-green').describe('All new instances beside all old ones, which then leave.'),
    preview: nothing('nobody sends requests to a worker'),
    bake: bake('1m'),
  })
  .transform((value) => ({ type: value.type, preview: null, bakeMs: value.bake }));

const oldFirst = z
  .strictObject({
    type: z.literal('handover').describe('The old version ends before the new one begins; jobs wait.'),
    within: nothing('no request waits; health.readiness.within bounds the start of the new version'),
    bake: duration()
      .prefault('0s')
      .describe('How long the finished version is watched before the release ends.'),
  })
  .transform((value) => ({ type: value.type, withinMs: null, bakeMs: value.bake }));

const STRATEGY =
  'rolling, blue-green or handover, or { type, ... } with the details; a worker has no requests to share out';

export const workerStrategy = shortOrLong(
  STRATEGY,
  z.enum(['rolling', 'blue-green', 'handover'], STRATEGY),
  z.discriminatedUnion('type', [rolling, together, oldFirst], STRATEGY),
  (type) => ({ type }),
);

const NO_REQUESTS = 'a worker has no requests; expected metrics or saturation';
const NO_STAGES = 'no stage of a worker waits for evidence';

const JUDGE = 'off, or { metrics, saturation, ... } with the details';

const details = z
  .strictObject({
    errors: nothing(NO_REQUESTS),
    latency: nothing(NO_REQUESTS),
    probes: nothing(NO_REQUESTS),
    falsePasses: nothing(NO_STAGES),
    patience: nothing(NO_STAGES),
    onUnsure: nothing(NO_STAGES),
    falseAlarms: shareOf(0.01, 50)
      .prefault(`${DEFAULT_JUDGE.rules.falseAlarms * 100}%`)
      .describe('Of good versions, at most this share is taken back by mistake.'),
    metrics: metrics.prefault({}).describe('Numbers from outside that are looked at: where to ask for each.'),
    saturation: saturationOfWorkers
      .prefault({})
      .describe('What instances of the new version may use: off, or { memory, ... } with the details.'),
  })
  .transform(({ falseAlarms, metrics: outside, saturation }): JudgeChoice => ({
    ...DEFAULT_JUDGE,
    rules: { ...DEFAULT_JUDGE.rules, falseAlarms },
    guards: { metrics: outside, saturation, probes: null },
  }));

export const workerJudge = z.union([off(JUDGE), details], JUDGE);
