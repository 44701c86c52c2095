/** `judge.saturation:` of a service: what its instances may use, beside stable's. */
import * as z from 'zod';
import type { SaturationChoice } from '../../core/judge/guard-choices.ts';
import { limits } from '../../core/limits.ts';
import { parseBytes } from '../../core/units.ts';
import { bytes, duration, off, times, whole } from './values.ts';

const GROWTH_PHRASE = 'a growth such as 50MB/h, or off';

const growth = () =>
  z.string(GROWTH_PHRASE).transform((value, context): number => {
    const size = value.endsWith('/h') ? parseBytes(value.slice(0, -'/h'.length).trim()) : undefined;
    if (size !== undefined && size > 0) return size;
    context.issues.push({ code: 'custom', input: value, message: GROWTH_PHRASE });
    return z.NEVER;
  });

const orOff = <Output, Input>(phrase: string, value: z.ZodType<Output, Input>) =>
  z.union([off(phrase), value], phrase);

const cpu = () => orOff('how many times, such as 2x, or off', times());

const keys = {
  memory: orOff('how many times, such as 2x, or off', times())
    .prefault('2x')
    .describe("Memory per instance: how many times the most that stable's had."),
  memoryMax: bytes(1).optional().describe('No instance may have more memory than this.'),
  growth: orOff(GROWTH_PHRASE, growth())
    .prefault('off')
    .describe('How fast the memory of an instance may grow. off: growth is shown, and nothing more.'),
  delay: orOff('how many times, such as 3x, or off', times())
    .prefault('3x')
    .describe("How long its readiness check takes, as a sign of a busy event loop: how many times stable's."),
  restarts: orOff('a whole number from 0 to 1000, or off', whole(0, 1_000))
    .prefault(2)
    .describe(
      "How often one instance of the candidate may end and be started again, more often than stable's.",
    ),
  every: duration(limits.guards.intervalMinMs).prefault('10s').describe('From one reading to the next.'),
  warmUp: duration().prefault('1m').describe('New instances are not measured before this.'),
};
const KEYS = 'cpu, memory, memoryMax, growth, delay, restarts, every and warmUp';

const ofWeb = z.strictObject(
  { cpu: cpu().prefault('2x').describe("Processor time per request: how many times stable's."), ...keys },
  KEYS,
);

const ofWorkers = z.strictObject(
  {
    cpu: cpu()
      .prefault('off')
      .describe("Processor time per instance: how many times stable's. Fair where all get like jobs."),
    ...keys,
  },
  KEYS,
);

const PHRASE = 'off, or { cpu, memory, ... } with the details';

const choiceOf = ({
  every,
  warmUp,
  memoryMax,
  growth: growthBytesPerHour,
  ...rest
}: z.output<typeof ofWeb>): SaturationChoice => ({
  ...{ everyMs: every, warmupMs: warmUp, memoryMaxBytes: memoryMax ?? null, growthBytesPerHour },
  ...rest,
});

export const saturation = z.union([off(PHRASE), ofWeb.transform(choiceOf)], PHRASE);

export const saturationOfWorkers = z.union([off(PHRASE), ofWorkers.transform(choiceOf)], PHRASE);
