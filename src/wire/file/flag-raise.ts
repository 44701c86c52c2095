/** Flags that a release raises: as a step of a canary, or once the new version has all of the requests. */
import * as z from 'zod';
import { limits } from '../../core/limits.ts';
import type { FlagRaise, Service, StrategyChoice } from '../../core/project.ts';
import type { Contradiction } from './checks.ts';
import { gatesOf } from './gates.ts';
import type { Path } from './problem.ts';
import { duration, shortOrLong, text, wholePercent } from './values.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$/;
const NAME_PHRASE = 'the name of a flag';
const flagName = () => z.string(NAME_PHRASE).regex(NAME, NAME_PHRASE);

/** Of a step with `flag`. */
export const raiseKeys = {
  flag: flagName().optional().describe('A flag that is raised, once the weight of the step is in force.'),
  to: text('a variant of the flag').optional().describe('The variant. Without it: on.'),
  share: wholePercent()
    .optional()
    .describe(
      'Of those who ask, at most what the new version has of the requests. Without it: as much as that.',
    ),
};

interface Written {
  readonly flag?: string | undefined;
  readonly to?: string | undefined;
  readonly share?: number | undefined;
}

type Raise = Pick<FlagRaise, 'flag' | 'variant' | 'percent'>;

export function raiseOf({ flag, to, share }: Written): { readonly flag?: Raise } {
  return flag === undefined ? {} : { flag: { flag, variant: to ?? null, percent: share ?? null } };
}

const LONG_PHRASE = 'the name of a flag, or { flag, to, share, for, approve }';
const raise = shortOrLong(
  LONG_PHRASE,
  flagName(),
  z
    .strictObject(
      {
        flag: flagName().describe('The flag that is raised.'),
        to: text('a variant of the flag').optional().describe('The variant. Without it: on.'),
        share: wholePercent().optional().describe('Of those who ask. Without it: all.'),
        for: duration(1).optional().describe('How long it stays so before the next step.'),
        approve: z
          .boolean('true or false')
          .optional()
          .describe('A person has to say "segue approve" before it goes on.'),
      },
      LONG_PHRASE,
    )
    .transform(({ flag, to, share, ...gates }): FlagRaise => ({
      ...{ flag, variant: to ?? null, percent: share ?? null },
      ...gatesOf(gates),
    })),
  (flag) => ({ flag }),
);

const LIST_PHRASE = `flags such as [checkout-v2], at most ${limits.file.stagesMax}`;

/** `flags:` of every strategy. */
export function flagList() {
  return z
    .array(raise, LIST_PHRASE)
    .max(limits.file.stagesMax, LIST_PHRASE)
    .optional()
    .describe(
      'Flags that are raised, in this order, once the new version has all requests; before the bake.',
    );
}

export function flagsOf(written: readonly FlagRaise[] | undefined): {
  readonly flags?: readonly FlagRaise[];
} {
  return written === undefined || written.length === 0 ? {} : { flags: written };
}

/** What can be seen of it without knowing the flags. */
export function checkRaises(name: string, kind: Service['kind'], choice: StrategyChoice): Contradiction[] {
  const at = (...path: Path): Path => ['services', name, 'strategy', ...path];
  if (kind === 'worker' && choice.flags)
    return [
      {
        paths: [at('flags')],
        message: 'old workers are at work through the bake; expected no flags, and "segue flags on" after it',
      },
    ];
  if (choice.type === 'ab' && choice.end === 'stop' && choice.flags)
    return [{ paths: [at('flags')], message: 'the new version ends; expected no flags, or end: promote' }];
  if (choice.type !== 'canary') return [];
  return choice.stages.flatMap(({ weight, flag }, index): Contradiction[] => {
    if (flag && weight === 0)
      return [
        {
          paths: [at('steps', index, 'flag')],
          message: 'nobody meets the new version yet; expected it after a weight',
        },
      ];
    if (flag === undefined || flag.percent === null || flag.percent <= weight) return [];
    const message = `${flag.percent}% of all users, but ${weight}% of the requests go to the version with its code; expected at most ${weight}%`;
    return [{ paths: [at('steps', index, 'share')], message }];
  });
}
