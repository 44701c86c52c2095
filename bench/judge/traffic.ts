/**
 * One simulated release, seeded, as every judge in the comparison is given it: requests by the second and by how
 * long they took, and each bad one with its moment. What drifts and bursts does so for both sides together.
 */
import type { Chance } from '../../test/support/chance.ts';
import { exponential, poisson } from './draws.ts';
import { type LatencyClasses, QUANTILES, sharesOf } from './latency-classes.ts';
import {
  type Behaviour,
  BURST_EVERY_S,
  BURST_MEAN_S,
  BUSY_EVERY,
  DAY_MINUTES,
  inBurst,
  type Moment,
  momentAt,
  REQUESTS_PER_SECOND,
  type Scenario,
  SECONDS_PER_MINUTE,
  type Sticky,
} from './scenario.ts';

export type SideName = 'candidate' | 'stable';

export interface BadRequest {
  /** Seconds since the release began. */
  readonly atS: number;
  readonly side: SideName;
  /** Of its visitor. */
  readonly first: boolean;
}

/** Requests by latency class, the fastest first. */
export type Counts = number[];

export interface Traffic {
  readonly seconds: number;
  /**
   * Until the beginning of each second and at the end of all: by second and side (candidate, stable) the requests of
   * each class, and then who was given to the side, requests or visitors.
   */
  readonly until: Uint32Array;
  /** In order of time. */
  readonly bad: readonly BadRequest[];
  /** Of each minute, what everything took longer by than on average. */
  readonly slowness: readonly number[];
}

const CLASSES = QUANTILES.length + 1;
const COUNTS = CLASSES + 1;
const SIDES = ['candidate', 'stable'] as const;

/** Where a side's counts until a second begin. */
const placeOf = (second: number, side: SideName): number =>
  (second * SIDES.length + (side === 'candidate' ? 0 : 1)) * COUNTS;

/** How long a visitor takes from one request to the next. */
const VISITOR_PAUSE_S = 10;
/** Of a visitor's requests, how many are as slow as the first one. */
const ALIKE = 0.5;

export interface Drawn {
  readonly scenario: Scenario;
  readonly classes: LatencyClasses;
  readonly share: number;
  readonly fromMinute: number;
  readonly minutes: number;
}

export function trafficOf(drawn: Drawn, chance: Chance): Traffic {
  const { scenario, minutes } = drawn;
  const seconds = minutes * SECONDS_PER_MINUTE;
  const release: Mutable = { seconds, until: new Uint32Array(placeOf(seconds + 1, 'candidate')), bad: [] };
  const slowness: number[] = [];
  let burstS = 0;
  for (let minute = 0; minute < minutes; minute += 1) {
    const at = (drawn.fromMinute + minute) % DAY_MINUTES;
    const moment = momentAt(scenario.arrivals, at, chance.once(BUSY_EVERY));
    const calm = lawsOf(drawn, moment);
    const wild = scenario.arrivals === 'bursts' ? lawsOf(drawn, inBurst(moment)) : calm;
    slowness.push(moment.slowness);
    for (let second = 0; second < SECONDS_PER_MINUTE; second += 1) {
      if (burstS > 0) burstS -= 1;
      else if (chance.once(BURST_EVERY_S)) burstS = Math.ceil(exponential(chance, BURST_MEAN_S));
      const laws = burstS > 0 ? wild : calm;
      drawSecond(release, minute * SECONDS_PER_MINUTE + second, laws, scenario.sticky, chance);
    }
  }
  release.bad.sort((a, b) => a.atS - b.atS);
  const { until } = release;
  const step = SIDES.length * COUNTS;
  for (let at = step; at < until.length; at += 1) until[at] = (until[at] ?? 0) + (until[at - step] ?? 0);
  return { ...release, slowness };
}

interface Mutable {
  readonly seconds: number;
  /** While it is drawn: what a second had, in the place of the next one. */
  readonly until: Uint32Array;
  readonly bad: BadRequest[];
}

/** Means by the second. */
interface Law {
  readonly good: readonly number[];
  readonly visitorsWithErrors: number;
  /** Shares of the latency classes. */
  readonly shares: readonly number[];
}

function lawsOf({ scenario, classes, share }: Drawn, moment: Moment): Readonly<Record<SideName, Law>> {
  const law = ({ errors, latency }: Behaviour, part: number): Law => {
    const mean = REQUESTS_PER_SECOND * moment.requests * part;
    const failing = Math.min(1, errors * moment.errors);
    const shares = sharesOf(classes, latency, moment.slowness);
    return {
      good: shares.map((one) => one * mean * (1 - failing)),
      visitorsWithErrors: (mean * failing) / (scenario.sticky?.errors ?? 1),
      shares,
    };
  };
  return { candidate: law(scenario.candidate, share), stable: law(scenario.stable, 1 - share) };
}

function drawSecond(
  release: Mutable,
  second: number,
  laws: Readonly<Record<SideName, Law>>,
  sticky: Sticky | null,
  chance: Chance,
): void {
  for (const side of SIDES) {
    const law = laws[side];
    if (sticky) drawVisitors(release, second, side, { law, requests: sticky.requests, chance });
    else
      for (let index = 0; index < CLASSES; index += 1) {
        const drawn = poisson(chance, law.good[index] ?? 0);
        count(release, second, side, index, drawn);
        count(release, second, side, CLASSES, drawn);
      }
    const visitors = poisson(chance, law.visitorsWithErrors);
    count(release, second, side, CLASSES, visitors);
    for (let visitor = 0; visitor < visitors; visitor += 1) {
      let atS = second + chance.unit();
      for (let error = 0; error < (sticky?.errors ?? 1) && atS < release.seconds; error += 1) {
        release.bad.push({ atS, side, first: error === 0 });
        count(release, Math.floor(atS), side, classAt(law.shares, chance.unit()), 1);
        atS += exponential(chance, VISITOR_PAUSE_S);
      }
    }
  }
}

/** Those who come in this second, with all that they will ask for. */
function drawVisitors(
  release: Mutable,
  second: number,
  side: SideName,
  { law, requests, chance }: { readonly law: Law; readonly requests: number; readonly chance: Chance },
): void {
  const mean = law.good.reduce((sum, one) => sum + one, 0);
  const visitors = poisson(chance, mean / requests);
  count(release, second, side, CLASSES, visitors);
  for (let visitor = 0; visitor < visitors; visitor += 1) {
    const first = classAt(law.shares, chance.unit());
    let atS = second + chance.unit();
    for (let left = chance.triesUntil(1 / requests); left > 0 && atS < release.seconds; left -= 1) {
      const index = chance.unit() < ALIKE ? first : classAt(law.shares, chance.unit());
      count(release, Math.floor(atS), side, index, 1);
      atS += exponential(chance, VISITOR_PAUSE_S);
    }
  }
}

function count({ until }: Mutable, second: number, side: SideName, index: number, more: number): void {
  const place = placeOf(second + 1, side) + index;
  until[place] = (until[place] ?? 0) + more;
}

function classAt(shares: readonly number[], unit: number): number {
  let left = unit;
  for (const [index, share] of shares.entries()) {
    left -= share;
    if (left < 0) return index;
  }
  return shares.length - 1;
}

/** What a side had until a second began. */
export function countsUntil({ until }: Traffic, second: number, side: SideName): Counts {
  const place = placeOf(second, side);
  return Array.from(until.subarray(place, place + CLASSES));
}

export const requestsUntil = (traffic: Traffic, second: number, side: SideName): number =>
  slowerUntil(traffic, second, side, -1);

/** Who was given to a side until a second began. */
export const assignedUntil = ({ until }: Traffic, second: number, side: SideName): number =>
  until[placeOf(second, side) + CLASSES] ?? 0;

/** Of a side until a second began: beyond the upper end of a class. */
export function slowerUntil({ until }: Traffic, second: number, side: SideName, index: number): number {
  const place = placeOf(second, side);
  let sum = 0;
  for (let at = index + 1; at < CLASSES; at += 1) sum += until[place + at] ?? 0;
  return sum;
}
