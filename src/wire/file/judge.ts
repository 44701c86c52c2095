/** `judge:` of a service: what a new version may do worse than the one before, and how sure that has to be. */
import * as z from 'zod';
import { DEFAULT_JUDGE, type JudgeChoice } from '../../core/judge/rules.ts';
import { formatDurationMs } from '../../core/units.ts';
import { metrics } from './metrics.ts';
import { probes } from './probes.ts';
import { saturation } from './saturation.ts';
import { duration, off, shareOf, times } from './values.ts';

const { rules, ...defaults } = DEFAULT_JUDGE;
const percent = (value: number) => `${value * 100}%`;

const errors = z.strictObject(
  {
    tolerate: times()
      .prefault(`${rules.errors.tolerate}x`)
      .describe("Errors of the new version, times stable's, that are still as good."),
    negligible: shareOf(0, 50)
      .prefault(percent(rules.errors.negligible))
      .describe("A share of errors that is good enough whatever stable's is."),
    max: shareOf(0.0001, 99.9)
      .optional()
      .describe("A share of errors that is too much whatever stable's is. Without it: none."),
  },
  'tolerate, negligible and max',
);

const quantiles = z
  .array(z.number('a percentile such as 99').min(1).max(99.99), 'percentiles such as [50, 95, 99]')
  .max(5, 'at most five percentiles')
  .refine((list) => new Set(list).size === list.length, 'percentiles that differ');

const ceiling = (name: string) =>
  duration(1)
    .optional()
    .describe(
      `The ${name} of the new version must not be above this, whatever stable's is. Without it: none.`,
    );

const latency = z.strictObject(
  {
    tolerate: times()
      .prefault(`${rules.latency.tolerate}x`)
      .describe("Slow requests of the new version, times stable's, that are still as good."),
    quantiles: quantiles
      .prefault(rules.latency.quantiles.map((quantile) => quantile * 100))
      .describe("Slow is what lies beyond these percentiles of stable's own past."),
    p50: ceiling('median'),
    p95: ceiling('95th percentile'),
    p99: ceiling('99th percentile'),
    warmUp: duration()
      .prefault(formatDurationMs(defaults.warmUpMs))
      .describe('New instances are cold: for so long after their first request latencies do not count.'),
  },
  'tolerate, quantiles, p50, p95, p99 and warmUp',
);

const details = z
  .strictObject({
    errors: errors.prefault({}).describe('Requests that failed: 5xx, and those without a whole response.'),
    latency: latency.prefault({}).describe('How long requests take.'),
    falseAlarms: shareOf(0.01, 50)
      .prefault(percent(rules.falseAlarms))
      .describe('Of good versions, at most this share is taken back by mistake.'),
    falsePasses: shareOf(0.01, 50)
      .prefault(percent(rules.falsePasses))
      .describe('Of versions worse than tolerated, at most this share passes a stage by mistake.'),
    patience: duration(1)
      .prefault(formatDurationMs(defaults.patienceMs))
      .describe('How long a stage waits for its evidence.'),
    onUnsure: z
      .enum(['hold', 'promote', 'back'], 'hold, promote or back')
      .prefault(defaults.onUnsure)
      .describe('And then: wait on, for evidence or a person; go on all the same; or go back.'),
    metrics: metrics
      .prefault({})
      .describe('Numbers from outside that are looked at, too: where to ask for each.'),
    saturation: saturation
      .prefault({})
      .describe('What instances of the new version may use: off, or { cpu, memory, ... } with the details.'),
    probes: probes
      .optional()
      .describe(
        'Requests that Segue sends to both versions itself, where users send too few. Without it: none.',
      ),
  })
  .transform(
    ({ errors: e, latency: l, falseAlarms, falsePasses, patience, onUnsure, ...beside }): JudgeChoice => ({
      rules: {
        falseAlarms,
        falsePasses,
        errors: { tolerate: e.tolerate, negligible: e.negligible, max: e.max ?? null },
        latency: {
          tolerate: l.tolerate,
          quantiles: l.quantiles.map((each) => each / 100),
          pastRequestsMin: rules.latency.pastRequestsMin,
          pastWindowsMin: rules.latency.pastWindowsMin,
          ceilings: [
            { quantile: 0.5, maxMs: l.p50 },
            { quantile: 0.95, maxMs: l.p95 },
            { quantile: 0.99, maxMs: l.p99 },
          ].flatMap(({ quantile, maxMs }) => (maxMs === undefined ? [] : { quantile, maxMs })),
        },
      },
      warmUpMs: l.warmUp,
      patienceMs: patience,
      onUnsure,
      guards: { ...beside, probes: beside.probes ?? null },
    }),
  );

const PHRASE = 'off, or { errors, latency, ... } with the details';

export const judge = z.union([off(PHRASE), details], PHRASE);
