/** The rows of the table: healthy releases, and bad ones of every kind. */
import type { Arrivals, Behaviour, Scenario, Sticky } from './scenario.ts';

export interface Case extends Scenario {
  readonly isBad: boolean;
  /** Candidate requests, p50, that a published simulation of the method needs at tolerance 1; null: none known. */
  readonly knownP50: number | null;
}

const STICKY: Sticky = { requests: 8, errors: 5 };

const LATENCY = { medianMs: 50, p99Ms: 300 } as const;

interface Variation {
  readonly sticky?: Sticky;
  readonly arrivals?: Arrivals;
  readonly knownP50?: number;
}

const behaviour = (errors: number): Behaviour => ({ errors, latency: LATENCY });

function healthy(name: string, errors: number, { sticky, arrivals = 'daily' }: Variation = {}) {
  const both = behaviour(errors);
  return {
    name,
    stable: both,
    candidate: both,
    sticky: sticky ?? null,
    arrivals,
    isBad: false,
    knownP50: null,
  };
}

function bad(name: string, stable: number, candidate: Behaviour, variation: Variation = {}): Case {
  const { sticky = null, arrivals = 'daily', knownP50 = null } = variation;
  return {
    name,
    stable: behaviour(stable),
    candidate,
    sticky,
    arrivals,
    isBad: true,
    knownP50,
  };
}

const failing = (name: string, stable: number, candidate: number, variation?: Variation) =>
  bad(name, stable, behaviour(candidate), variation);

const slow = (name: string, medianTimes: number, p99Times: number, variation?: Variation) =>
  bad(
    name,
    0.001,
    {
      errors: 0.001,
      latency: { medianMs: LATENCY.medianMs * medianTimes, p99Ms: LATENCY.p99Ms * p99Times },
    },
    variation,
  );

export const CASES: readonly Case[] = [
  healthy('healthy, .1% errors', 0.001),
  healthy('healthy, .5% errors', 0.005),
  healthy('healthy, 1% errors', 0.01),
  healthy('healthy, .5% errors, bursts', 0.005, { arrivals: 'bursts' }),
  healthy('healthy, .5% errors, sticky visitors', 0.005, { sticky: STICKY }),
  failing('.1% -> 50%', 0.001, 0.5, { knownP50: 5 }),
  failing('.1% -> 5%', 0.001, 0.05, { knownP50: 59 }),
  failing('.1% -> 1%', 0.001, 0.01, { knownP50: 478 }),
  failing('.5% -> 5%', 0.005, 0.05, { knownP50: 97 }),
  failing('1% -> 2%', 0.01, 0.02, { knownP50: 1741 }),
  failing('.5% -> 5%, bursts', 0.005, 0.05, { arrivals: 'bursts' }),
  failing('.5% -> 5%, sticky visitors', 0.005, 0.05, { sticky: STICKY }),
  failing('one endpoint of twenty broken', 0.001, 0.95 * 0.001 + 0.05),
  slow('p99 twice as long, median the same', 1, 2),
  slow('p99 twice as long, sticky visitors', 1, 2, { sticky: STICKY }),
  slow('everything takes 10% longer', 1.1, 1.1),
];
