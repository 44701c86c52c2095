/**
 * One simulated release, seeded: minutes of traffic on stable and candidate, as every judge in the comparison is
 * given it. Requests arrive as a Poisson process whose rate, like the errors' rate, drifts and bursts for both
 * sides together.
 */
import type { Chance } from '../../test/support/chance.ts';

export interface Scenario {
  readonly name: string;
  /** Share of requests that fail. */
  readonly stable: number;
  readonly candidate: number;
  /** Errors that one visitor meets in a row; the judge counts the first. */
  readonly errorsPerVisitor: number;
}

export interface TrafficShape {
  readonly requestsPerSecond: number;
  /** The candidate's part of the requests. */
  readonly share: number;
  readonly minutes: number;
  /** Without drift and bursts. */
  readonly steady: boolean;
}

export interface BadRequest {
  readonly atS: number;
  readonly side: 'candidate' | 'stable';
  /** Requests of this visitor that fail. */
  readonly requests: number;
}

/** What a side did in a minute. */
export interface SideMinute {
  readonly requests: number;
  readonly errors: number;
}

export interface Minute {
  readonly candidate: SideMinute;
  readonly stable: SideMinute;
  /** In order of time; `atS` since the release began. */
  readonly bad: readonly BadRequest[];
}

const SECONDS = 60;
const DAY_MINUTES = 24 * 60;

export function minutesOf(scenario: Scenario, shape: TrafficShape, chance: Chance): Minute[] {
  const startMinute = chance.below(DAY_MINUTES);
  return Array.from({ length: shape.minutes }, (_, index) => {
    const day = shape.steady ? 0 : Math.sin(((startMinute + index) / DAY_MINUTES) * 2 * Math.PI);
    const burst = chance.once(10) && !shape.steady ? 2 : 1;
    const rate = shape.requestsPerSecond * SECONDS * (1 + 0.3 * day) * burst;
    const trouble = (1 + 0.3 * day) * (burst > 1 ? 1.2 : 1);
    const sideOf = (side: 'candidate' | 'stable') => {
      const mean = rate * (side === 'candidate' ? shape.share : 1 - shape.share);
      const failing = Math.min(1, (side === 'candidate' ? scenario.candidate : scenario.stable) * trouble);
      const visitors = poisson(chance, (mean * failing) / scenario.errorsPerVisitor);
      const errors = visitors * scenario.errorsPerVisitor;
      const bad = Array.from({ length: visitors }, (): BadRequest => {
        const atS = (index + chance.unit()) * SECONDS;
        return { atS, side, requests: scenario.errorsPerVisitor };
      });
      return { requests: poisson(chance, mean * (1 - failing)) + errors, errors, bad };
    };
    const [candidate, stable] = [sideOf('candidate'), sideOf('stable')];
    const bad = [...candidate.bad, ...stable.bad].toSorted((a, b) => a.atS - b.atS);
    return { candidate, stable, bad };
  });
}

/** By inversion for small means, by the normal approximation for large ones. */
export function poisson(chance: Chance, mean: number): number {
  if (mean > 200) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(chance)));
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = chance.unit(); product > limit; product *= chance.unit()) count += 1;
  return count;
}

/** Box and Muller. */
export function normal(chance: Chance): number {
  return Math.sqrt(-2 * Math.log1p(-chance.unit())) * Math.cos(2 * Math.PI * chance.unit());
}
