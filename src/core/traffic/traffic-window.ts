/**
 * What happened in the last seconds: the difference between the newest report and one from a while ago. No data is
 * never good data (R8): without a request in the window there is no share of errors and no latency.
 */
import { limits } from '../limits.ts';
import type { AssignedCounts, Outcomes, ServiceCounts, TrafficReport } from './counts.ts';
import { pairsBetween, quantileMs } from './histogram.ts';
import { ASSIGNED, assignmentKey } from './row-kinds.ts';
import { summed } from './worker-rows.ts';

/** Of what ended in the window. */
export interface Flow {
  readonly requests: number;
  readonly perSecond: number;
  /** Failed ones and 5xx, from 0 to 1; null: nothing ended. */
  readonly errorShare: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

export interface ServiceFlow {
  readonly retriedPerSecond: number;
  readonly heldPerSecond: number;
  readonly refusedPerSecond: number;
}

type Sample = Pick<TrafficReport, 'atMs' | 'assigned' | 'services'>;

export class TrafficWindow {
  /** The eldest first. */
  #samples: Sample[] = [];

  take({ atMs, assigned, services }: TrafficReport): void {
    // Nothing was heard of any worker yet.
    if (atMs === 0) return;
    const last = this.#samples.at(-1);
    if (last && atMs >= last.atMs && atMs - last.atMs < limits.traffic.sampleIntervalMs) return;
    // A clock that was set back makes all that was seen before useless.
    if (last && atMs < last.atMs) this.#samples = [];
    this.#samples.push({ atMs, assigned: summed(assigned, ASSIGNED), services });
    const sinceMs = atMs - limits.traffic.windowMs;
    while ((this.#samples[1]?.atMs ?? Infinity) <= sinceMs) this.#samples.shift();
  }

  /** How far back it looks now; 0: there is nothing to compare with yet. */
  lengthMs(report: TrafficReport): number {
    return Math.max(0, report.atMs - (this.#samples[0]?.atMs ?? report.atMs));
  }

  /** Of all workers together. */
  flowOf(row: AssignedCounts, report: TrafficReport): Flow {
    const key = assignmentKey(row);
    const before = this.#samples[0]?.assigned.find((each) => assignmentKey(each) === key);
    return flowBetween(before, row, this.lengthMs(report) / 1_000);
  }

  serviceFlowOf(now: ServiceCounts, report: TrafficReport): ServiceFlow {
    const seconds = this.lengthMs(report) / 1_000;
    const before = this.#samples[0]?.services.find(({ service }) => service === now.service);
    const rate = (of: (counts: ServiceCounts) => number) =>
      seconds > 0 ? grown(before ? of(before) : 0, of(now)) / seconds : 0;
    return {
      retriedPerSecond: rate(({ retried }) => retried),
      heldPerSecond: rate(({ heldTotal }) => heldTotal),
      refusedPerSecond: rate(({ refused }) => refused),
    };
  }
}

export function flowBetween(before: Outcomes | undefined, now: Outcomes, seconds: number): Flow {
  const endedOf = ({ answered, failed, abandoned }: Outcomes) =>
    answered.reduce((sum, count) => sum + count, 0) + failed + abandoned;
  const errorsOf = ({ answered, failed }: Outcomes) => answered[3] + failed;
  const requests = grown(before ? endedOf(before) : 0, endedOf(now));
  const errors = grown(before ? errorsOf(before) : 0, errorsOf(now));
  const latency = pairsBetween(before?.latency ?? [], now.latency);
  const quantile = (share: number) => quantileMs(latency, share) ?? null;
  return {
    requests,
    perSecond: seconds > 0 ? requests / seconds : 0,
    errorShare: requests > 0 ? Math.min(1, errors / requests) : null,
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
    p99Ms: quantile(0.99),
  };
}

/** A gateway that was started again counts from zero. */
const grown = (before: number, now: number) => (now >= before ? now - before : now);
