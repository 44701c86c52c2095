/** What came to the gateway's cumulative counts between two looks at them. */
import type { AssignedCounts } from '../traffic/counts.ts';
import { ASSIGNED } from '../traffic/row-kinds.ts';
import { workerKey, WorkerMarks } from '../traffic/worker-marks.ts';
import { addPairs, pairsBetween } from '../traffic/histogram.ts';
import { keysBeyond, mergeKeys } from '../traffic/key-sketch.ts';
import type { Side } from './observed.ts';

export const NOBODY: Side = { requests: 0, errors: 0, latency: [], assigned: 0 };

/** The rows of workers, as they were counted in last. */
export type Marks = WorkerMarks<AssignedCounts, AssignedCounts>;

/** A worker that gave up a row begins it anew, so one that fell is new. */
export function marksOf(rows: readonly AssignedCounts[]): Marks {
  const marks = rows.map((row) => [workerKey(row, ASSIGNED), row] as const);
  return new WorkerMarks({ rows: ASSIGNED, markOf: (row: AssignedCounts) => row, fell }, marks);
}

/**
 * Counts as a judge reads them: a request has ended well or as an error (5xx, or the instance failed it); one whose
 * client left first says nothing.
 */
export function grownSince(then: AssignedCounts | undefined, now: AssignedCounts): Side {
  const keys = keysBeyond(then?.keys, now.keys);
  return {
    ...(keys === '' ? {} : { keys }),
    requests: endedOf(now) - (then ? endedOf(then) : 0),
    errors: errorsOf(now) - (then ? errorsOf(then) : 0),
    latency: pairsBetween(then?.latency ?? [], now.latency),
    assigned: now.decisions - (then?.decisions ?? 0),
  };
}

export function addSides(a: Side, b: Side): Side {
  const keys = mergeKeys(a.keys, b.keys);
  return {
    ...(keys === '' ? {} : { keys }),
    requests: a.requests + b.requests,
    errors: a.errors + b.errors,
    latency: addPairs(a.latency, b.latency),
    assigned: a.assigned + b.assigned,
  };
}

function fell(before: AssignedCounts, now: AssignedCounts): boolean {
  return (
    endedOf(now) < endedOf(before) || errorsOf(now) < errorsOf(before) || now.decisions < before.decisions
  );
}

const endedOf = ({ answered, failed }: AssignedCounts) =>
  answered[0] + answered[1] + answered[2] + answered[3] + failed;

const errorsOf = ({ answered, failed }: AssignedCounts) => answered[3] + failed;
