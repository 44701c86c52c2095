/** What a run must keep to. Everything here is a failure of the run, in words. */
import type { Summary } from '../../test/load/summary.ts';
import type { Ending } from './performance.ts';
import type { Growth } from './watch.ts';

/** Younger processes still fill their heaps. */
const JUDGED_AFTER_MS = 60_000;
const MEGABYTE = 1024 * 1024;
const MEMORY_PER_MINUTE_MAX = 6 * MEGABYTE;
const DESCRIPTORS_PER_MINUTE_MAX = 10;

export interface Run {
  readonly ending: Ending;
  readonly summary: Summary;
  readonly growths: readonly Growth[];
  readonly left: readonly string[];
}

export function faultsOf({ ending, summary, growths, left }: Run): readonly string[] {
  const { sent, answered, failed, streams } = summary;
  const broken = streams.websocket.broken + streams.sse.broken;
  return [
    ...(ending.trouble === null ? [] : [ending.trouble]),
    ...(failed === 0 ? [] : [`${failed} requests failed`]),
    ...(broken === 0 ? [] : [`${broken} streams broke`]),
    ...(sent === answered + failed ? [] : [`${sent - answered - failed} requests are not accounted for`]),
    ...growths.flatMap(growthFaults),
    ...left.map((what) => `left behind: ${what}`),
  ];
}

/** Long enough watched to say whether it grows. */
export const isJudged = ({ watchedMs }: Growth): boolean => watchedMs >= JUDGED_AFTER_MS;

function growthFaults(growth: Growth): readonly string[] {
  if (!isJudged(growth)) return [];
  const { role, pid, memoryBytesPerMinute, descriptorsPerMinute } = growth;
  const faults: string[] = [];
  if ((memoryBytesPerMinute ?? 0) > MEMORY_PER_MINUTE_MAX)
    faults.push(
      `memory of ${role} ${pid} grows by ${((memoryBytesPerMinute ?? 0) / MEGABYTE).toFixed(1)} MB a minute`,
    );
  if ((descriptorsPerMinute ?? 0) > DESCRIPTORS_PER_MINUTE_MAX)
    faults.push(`${role} ${pid} keeps ${(descriptorsPerMinute ?? 0).toFixed(0)} descriptors more a minute`);
  return faults;
}
