/** A candidate alone, against a bound that the user set: whatever stable does. */
import { bucketOf } from '../traffic/histogram.ts';
import type { Frequency } from './frequency.ts';
import type { Asked, Guard } from './guard.ts';
import {
  errorRate,
  frequencyOf,
  nameOf,
  rateOf,
  slowerThanWords,
  slowRate,
  timesWorth,
  worthOf,
} from './measure.ts';
import type { Observation, Side } from './observed.ts';
import { evidenceOfAbove, type Rate, rateInterval } from './rate.ts';
import type { JudgeRules } from './rules.ts';
import { evidenceFrom, isReached } from './verdict.ts';

interface Ceiling {
  readonly guard: string;
  readonly counts: string;
  readonly frequency: Frequency;
  readonly bound: number;
  readonly of: (side: Side) => Rate;
  readonly worth: (rows: readonly Observation[]) => number;
}

export function errorCeilings({ errors: { max } }: JudgeRules): Ceiling[] {
  const counts = { guard: 'error ceiling', counts: 'errors', frequency: 'rare', of: errorRate } as const;
  const worth = () => 1;
  return max === null ? [] : [{ ...counts, worth, bound: max }];
}

export function latencyCeilings({ latency }: JudgeRules): Ceiling[] {
  return latency.ceilings.map(({ quantile, maxMs }) => {
    const bucket = bucketOf(maxMs);
    return {
      guard: `${nameOf(quantile)} ceiling`,
      counts: slowerThanWords(bucket),
      frequency: frequencyOf(quantile),
      of: slowRate(bucket),
      worth: worthOf,
      bound: 1 - quantile,
    };
  });
}

export function below({ guard, counts, frequency, bound, of, worth }: Ceiling, alpha: number): Guard {
  const tolerated = { type: 'rate', value: bound } as const;
  return ({ release, stage }): Asked => {
    const candidate = rateOf(release, 'candidate', { of });
    const weighed = timesWorth(candidate, worth(release));
    const worse = evidenceFrom(evidenceOfAbove(weighed, bound, frequency), alpha, candidate);
    const verdict = isReached(worse) ? 'worse' : 'not-enough-evidence';
    const explain = () => ({
      ...({ guard, counts, verdict, worse, same: null, candidate, stable: null, tolerated } as const),
      stageRequests: rateOf(stage, 'candidate', { of }).requests,
      effect: rateInterval(weighed, alpha),
      missingRequests: null,
    });
    return { verdict, same: null, tolerated, explain };
  };
}
