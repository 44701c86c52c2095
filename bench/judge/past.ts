/** Stable's own day before the release, by the hour, as the judge is given it. */
import { thresholdBucket } from '../../src/core/judge/latency.ts';
import type { Past } from '../../src/core/judge/observed.ts';
import { Chance } from '../../test/support/chance.ts';
import { histogramOf, type LatencyClasses, QUANTILES } from './latency-classes.ts';
import { DAY_MINUTES, type Scenario } from './scenario.ts';
import { countsUntil, trafficOf } from './traffic.ts';

const HOURS = 24;

export function pastOf(scenario: Scenario, classes: LatencyClasses): Past {
  const chance = new Chance(1);
  const minutes = DAY_MINUTES / HOURS;
  const windows = Array.from({ length: HOURS }, (_, hour) => {
    const drawn = { scenario, classes, share: 0, fromMinute: hour * minutes, minutes };
    const traffic = trafficOf(drawn, chance);
    const counts = countsUntil(traffic, traffic.seconds, 'stable');
    // A visitor counts once, as in the release.
    const errors = traffic.bad.filter(({ first }) => first).length;
    const requests = counts.reduce((sum, count) => sum + count, 0);
    return { requests, errors, latency: histogramOf(classes, counts) };
  });
  const whole = windows.flatMap(({ latency }) => latency);
  for (const [index, quantile] of QUANTILES.entries())
    if (thresholdBucket(whole, quantile, 1) !== classes.buckets[index])
      throw new Error(`the past's p${quantile * 100} is not where the classes end`);
  return { windows };
}
