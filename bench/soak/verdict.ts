/** What a run must keep to. Everything here is a failure of the run, in words. */
import type { Summary } from '../../test/load/summary.ts';
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
