/** What a run must keep to. Everything here is a failure of the run, in words. */
import type { Summary } from '../../test/load/summary.ts';
import { isLostWith, type Kill } from './kill.ts';
import type { Ending } from './performance.ts';
import type { Growth } from './watch.ts';

/** In less time nothing can be said. */
const JUDGED_AFTER_MS = 40_000;
const MEGABYTE = 1024 * 1024;
/** What may come on top in any time, and for each minute: a heap that still fills is no leak, and noise is none. */
const MEMORY = { atOnce: 24 * MEGABYTE, perMinute: MEGABYTE } as const;
const DESCRIPTORS = { atOnce: 24, perMinute: 1 } as const;

export interface Run {
  readonly ending: Ending;
  readonly kills: readonly Kill[];
  readonly summary: Summary;
  readonly growths: readonly Growth[];
  readonly left: readonly string[];
}

export function faultsOf(run: Run): readonly string[] {
  const { ending, summary, growths, left } = run;
  const { sent, answered, failed } = summary;
  const unexcused = brokenOf(run) - lostWithWorkers(run);
  return [
    ...(ending.trouble === null ? [] : [ending.trouble]),
    ...(unexcused === 0 ? [] : [`${unexcused} requests and streams failed that no killed worker had`]),
    ...(sent === answered + failed ? [] : [`${sent - answered - failed} requests are not accounted for`]),
    ...growths.flatMap(growthFaults),
    ...left.map((what) => `left behind: ${what}`),
  ];
}

/** Requests that failed and streams that broke, all of them. */
export function brokenOf({ summary }: Run): number {
  const { failed, streams } = summary;
  return failed + streams.websocket.broken + streams.sse.broken;
}

/** What was under way on the connections of workers that were killed. */
export function lostWithWorkers({ kills, summary }: Run): number {
  return summary.failures.filter((failure) => isLostWith(kills, failure)).length;
}

/** Long enough watched to say whether it grows. */
export const isJudged = ({ watchedMs }: Growth): boolean => watchedMs >= JUDGED_AFTER_MS;

function growthFaults(growth: Growth): readonly string[] {
  if (!isJudged(growth)) return [];
  const { role, pid, watchedMs, memoryBytesPerMinute, descriptorsPerMinute } = growth;
  const minutes = watchedMs / 60_000;
  const tooMuch = (perMinute: number | null, allowed: { atOnce: number; perMinute: number }) =>
    (perMinute ?? 0) * minutes > allowed.atOnce + allowed.perMinute * minutes;
  const faults: string[] = [];
  if (tooMuch(memoryBytesPerMinute, MEMORY))
    faults.push(
      `memory of ${role} ${pid} grows by ${((memoryBytesPerMinute ?? 0) / MEGABYTE).toFixed(1)} MB a minute`,
    );
  if (tooMuch(descriptorsPerMinute, DESCRIPTORS))
    faults.push(`${role} ${pid} keeps ${(descriptorsPerMinute ?? 0).toFixed(0)} descriptors more a minute`);
  return faults;
}
