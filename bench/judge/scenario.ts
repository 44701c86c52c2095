/** What a simulated release is like: how stable and candidate behave, and how their traffic comes. */
import type { LatencyShape } from './latency-shape.ts';

export interface Scenario {
  readonly name: string;
  readonly stable: Behaviour;
  readonly candidate: Behaviour;
  /** Null: every request is given to a side by itself. */
  readonly sticky: Sticky | null;
  readonly arrivals: Arrivals;
}

/** Visitors stay with the side that they were given to. */
export interface Sticky {
  /** Of a visitor on average, of whom some have many more. Half of them are as slow as the visitor's first one. */
  readonly requests: number;
  /** That a visitor who meets an error meets, one after the other; the judge counts the first. */
  readonly errors: number;
}

export interface Behaviour {
  /** Share of requests that fail. */
  readonly errors: number;
  readonly latency: LatencyShape;
}

/**
 * `steady`: a Poisson process whose rate stays. `daily`: it drifts over the day, and a minute in ten has twice the
 * requests. `bursts`: and every few minutes there are some seconds of five times the requests, when both sides fail
 * more often and take longer.
 */
export type Arrivals = 'steady' | 'daily' | 'bursts';

export const REQUESTS_PER_SECOND = 100;
/** The candidate's part of the requests. */
export const SHARE = 0.1;
export const MINUTES = 60;

export const SECONDS_PER_MINUTE = 60;
export const DAY_MINUTES = 24 * 60;

/** What both sides have in common at a moment: factors on the rate of requests, on errors and on durations. */
export interface Moment {
  readonly requests: number;
  readonly errors: number;
  readonly slowness: number;
}

const STEADY: Moment = { requests: 1, errors: 1, slowness: 1 };
const BUSY: Moment = { requests: 2, errors: 1.2, slowness: 1.05 };
/** One minute in so many. */
export const BUSY_EVERY = 10;
const BURST: Moment = { requests: 5, errors: 5, slowness: 1.2 };
export const BURST_EVERY_S = 300;
export const BURST_MEAN_S = 8;

export function momentAt(arrivals: Arrivals, minute: number, isBusy: boolean): Moment {
  if (arrivals === 'steady') return STEADY;
  const day = Math.sin((minute / DAY_MINUTES) * 2 * Math.PI);
  const drift: Moment = { requests: 1 + 0.3 * day, errors: 1 + 0.3 * day, slowness: 1 + 0.1 * day };
  return isBusy ? times(drift, BUSY) : drift;
}

export const inBurst = (moment: Moment): Moment => times(moment, BURST);

/** All that a day has, each with the part of the day's requests that come in it. */
export function momentsOfDay(arrivals: Arrivals): readonly (Moment & { readonly part: number })[] {
  const busy = 1 / BUSY_EVERY;
  const burst = arrivals === 'bursts' ? BURST_MEAN_S / (BURST_EVERY_S + BURST_MEAN_S) : 0;
  const moments = Array.from({ length: DAY_MINUTES }, (_, minute) => {
    const calm = { ...momentAt(arrivals, minute, false), time: 1 - busy };
    const full = { ...momentAt(arrivals, minute, true), time: busy };
    return [calm, full].flatMap((one) => [
      { ...one, time: one.time * (1 - burst) },
      { ...inBurst(one), time: one.time * burst },
    ]);
  }).flat();
  const requests = moments.reduce((sum, one) => sum + one.time * one.requests, 0);
  return moments.map(({ time, ...moment }) => ({ ...moment, part: (time * moment.requests) / requests }));
}

function times(one: Moment, other: Moment): Moment {
  return {
    requests: one.requests * other.requests,
    errors: one.errors * other.errors,
    slowness: one.slowness * other.slowness,
  };
}
