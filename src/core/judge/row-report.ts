/**
 * What was counted in a stage, weight by weight and rule by rule, in figures for people: an A/B is about what each of
 * its rules brought. The intervals of durations hold at every look.
 */
import { type Histogram, quantileInterval } from './latency.ts';
import type { Observation, Side } from './observed.ts';

export interface RowReport {
  /** Null: the weights. */
  readonly rule: string | null;
  /** The candidate's part, from 0 to 1. */
  readonly share: number;
  readonly candidate: SideReport;
  readonly stable: SideReport;
}

export interface SideReport {
  readonly requests: number;
  readonly errors: number;
  /** Where the quantiles may lie; none without latencies. */
  readonly latency: readonly QuantileReport[];
}

export interface QuantileReport {
  readonly quantile: number;
  readonly fromMs: number;
  /** Null: nothing bounds it yet. */
  readonly toMs: number | null;
}

const QUANTILES = [0.5, 0.95, 0.99];
const ALPHA = 0.05;

export function reportOf(rows: readonly Observation[]): RowReport[] {
  return rows.map(({ rule, share, candidate, stable }) => ({
    ...{ rule, share },
    candidate: sideOf(candidate),
    stable: sideOf(stable),
  }));
}

function sideOf({ requests, errors, latency }: Side): SideReport {
  return { requests, errors, latency: latency.length === 0 ? [] : quantilesOf(latency) };
}

const quantilesOf = (latency: Histogram): QuantileReport[] =>
  QUANTILES.map((quantile) => ({ quantile, ...quantileInterval(latency, quantile, ALPHA) }));
