/** `segue flags rollout`: a release of a flag, watched as one of a service is. */
import { SegueError } from '../../core/errors.ts';
import { subjectOf } from '../../core/flags/rollout.ts';
import { limits } from '../../core/limits.ts';
import { parseDurationMs } from '../../core/units.ts';
import type { FlagRolloutRequest } from '../../wire/flag-api.ts';
import { order, watchToGate } from '../follow.ts';
import type { Input } from '../input.ts';
import type { Session } from '../session.ts';
import type { Shell } from '../shell.ts';
import type { OptionSpec } from '../verb.ts';

const STEPS = [1, 10, 50, 100] as const;

export const ROLLOUT_OPTIONS: readonly OptionSpec[] = [
  { flag: 'to', value: 'VARIANT', summary: 'rollout: the variant that everybody is to get' },
  {
    flag: 'steps',
    value: 'PERCENTS',
    summary: `rollout: shares that rise (default: ${STEPS.join(',')}); everybody comes after the last`,
  },
  {
    flag: 'until',
    value: 'evidence',
    summary: 'rollout: each step ends with evidence that it is not worse (without --for and --approve: so)',
    completes: ['evidence'],
  },
  { flag: 'for', value: 'TIME', summary: 'rollout: each step takes as long, such as 10m' },
  { flag: 'approve', value: null, summary: 'rollout: each step ends when a person approves it' },
  {
    flag: 'service',
    value: 'NAME',
    summary: 'rollout: whose requests are judged (default: of all whose gateway evaluates the flag)',
    completes: 'service',
  },
];

/** Gives the exit code. */
export async function rollOut(
  flag: string,
  input: Input,
  shell: Shell,
  { client, by }: Session,
): Promise<number> {
  const asked = client.rollOutFlag(flag, requestIn(input, by));
  const { release } = await order(subjectOf(flag), shell, asked);
  return watchToGate({ client, release }, shell, input.json);
}

function requestIn(input: Input, by: string): FlagRolloutRequest {
  const to = input.value('to');
  if (to === null) throw new SegueError('USAGE', 'segue flags rollout needs --to VARIANT.');
  const forMs = durationIn(input.value('for'));
  const until = input.value('until');
  if (until !== null && until !== 'evidence')
    throw new SegueError('USAGE', `--until: expected evidence, got "${until}".`);
  const approve = input.has('approve');
  return {
    ...{ to, from: input.value('from'), percents: percentsIn(input.value('steps')) },
    ...{ evidence: until !== null || (forMs === 0 && !approve), forMs, approve },
    ...{ service: input.value('service'), by, reason: input.value('reason') ?? '' },
  };
}

function percentsIn(text: string | null): number[] {
  if (text === null) return [...STEPS];
  const percents = text.split(',').map((part) => /^\s*(\d{1,3})%?\s*$/.exec(part)?.[1]);
  const numbers = percents.map(Number);
  const isRising = numbers.every((percent, at) => percent > (numbers[at - 1] ?? 0) && percent <= 100);
  if (isRising && numbers.length <= limits.file.stagesMax) return numbers;
  throw new SegueError('USAGE', `--steps: expected percents that rise, such as 1,10,50,100, got "${text}".`);
}

function durationIn(text: string | null): number {
  if (text === null) return 0;
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms > 0 && ms <= limits.file.durationMaxMs) return ms;
  throw new SegueError('USAGE', `--for: expected a time such as 10m, got "${text}".`);
}
