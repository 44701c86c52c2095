/** What it costs to judge: releases of many services under way at once, each report of the gateway with news of all. */
import { DEFAULT_JUDGE } from '../../src/core/judge/rules.ts';
import { beginEvidence } from '../../src/core/judge/evidence.ts';
import type { Past } from '../../src/core/judge/observed.ts';
import { limits } from '../../src/core/limits.ts';
import type { AssignedCounts } from '../../src/core/traffic/counts.ts';
import { HISTOGRAM_BUCKETS } from '../../src/core/traffic/histogram.ts';
import { Sitting } from '../../src/control/sitting.ts';

export const SERVICES = 100;
const REPORTS = 300;
const WARM_UP = 50;
const REPORT_MS = 100;
/** Of each service, in each report. */
const REQUESTS = 200;
const PERCENT = 10;

export interface Cost {
  readonly services: number;
  /** Of a report with news of all of them, in milliseconds of one core. */
  readonly meanMs: number;
  readonly longestMs: number;
  /** To write down what one of them has, as JSON. */
  readonly recordBytes: number;
}

function pastOf(): Past {
  const windows = Array.from({ length: limits.judge.pastWindowsMax }, () => ({
    requests: 10_000,
    errors: 10,
    latency: latencyOf(10_000),
  }));
  return { windows };
}

/** Spread over a third of all buckets, as real latencies are. */
function latencyOf(requests: number): number[] {
  const buckets = Math.floor(HISTOGRAM_BUCKETS / 3);
  return Array.from({ length: buckets }, (_, at) => [at + buckets, Math.ceil(requests / buckets)]).flat();
}

function row(service: string, group: 'candidate' | 'stable', requests: number): AssignedCounts {
  const percent = group === 'candidate' ? PERCENT : 100 - PERCENT;
  const errors = Math.floor(requests / 1_000);
  return {
    ...{ service, version: group === 'candidate' ? 'v2' : 'v1', group, percent, rule: null },
    ...{ answered: [requests - errors, 0, 0, errors], failed: 0, abandoned: 0, retried: 0 },
    ...{ decisions: requests, latency: latencyOf(requests), latencySumMs: 0 },
  };
}

export function measureCost(): Cost {
  const past = pastOf();
  const choice = { ...DEFAULT_JUDGE, warmUpMs: 0 };
  const sittings = Array.from({ length: SERVICES }, (_, at) => {
    const of = { release: `r${at}`, service: `s${at}`, from: 'v1', to: 'v2' };
    const sitting = new Sitting(beginEvidence(of, []), past, choice, { copies: false, keyed: false });
    sitting.enter({ index: 0, weights: { candidate: PERCENT, baseline: 0 }, cold: false }, 0);
    return { service: of.service, sitting };
  });
  const took: number[] = [];
  for (let report = 1; report <= REPORTS + WARM_UP; report += 1) {
    const sent = report * REQUESTS;
    const rows = sittings.map(({ service }) => [
      row(service, 'candidate', Math.floor((sent * PERCENT) / 100)),
      row(service, 'stable', Math.floor((sent * (100 - PERCENT)) / 100)),
    ]);
    const began = process.threadCpuUsage();
    for (const [at, { sitting }] of sittings.entries()) {
      sitting.take({ rows: rows[at] ?? [], failures: [], sticky: false }, report * REPORT_MS);
      sitting.look();
    }
    const { user, system } = process.threadCpuUsage(began);
    if (report > WARM_UP) took.push((user + system) / 1_000);
  }
  return {
    services: SERVICES,
    meanMs: took.reduce((sum, ms) => sum + ms, 0) / took.length,
    longestMs: Math.max(...took),
    recordBytes: JSON.stringify(sittings[0]?.sitting.record).length,
  };
}
