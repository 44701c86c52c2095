/** The rows that are told apart by worker: what a judge compares, and what flags gave. */
import { type FlagCounts, flagCountsKey } from '../flags/edge.ts';
import { limits } from '../limits.ts';
import type { AssignedCounts, Assignment, TrafficReport } from './counts.ts';
import { mergeAssigned, mergeFlag } from './merge-counts.ts';
import { type RowKind, summed } from './worker-rows.ts';

export function assignmentKey({ service, version, group, percent, rule }: Assignment): string {
  return `${service} ${group ?? '-'} ${percent ?? '-'} ${version}${rule === null ? '' : ` ${rule}`}`;
}

const SHARED = 'shared';

/** Only what the worker itself gave up since long makes room: whatever it still counts has to be known here. */
const ROOM = 2;

export const ASSIGNED: RowKind<AssignedCounts> = {
  keyOf: assignmentKey,
  merge: mergeAssigned,
  groupOf: ({ service }) => service,
  rowsMax: () => ROOM * limits.gateway.assignedRowsMax,
};

export const FLAGS: RowKind<FlagCounts> = {
  keyOf: flagCountsKey,
  merge: mergeFlag,
  groupOf: ({ service, share }) => (share ? `${service} ${SHARED}` : service),
  rowsMax: ({ share }) => ROOM * (share ? limits.gateway.flagSharesMax : limits.gateway.flagRowsMax),
};

/** The same as one counter would have said it. */
export function summedUp(report: TrafficReport): TrafficReport {
  const [assigned, flags] = [summed(report.assigned, ASSIGNED), summed(report.flags, FLAGS)];
  return { ...report, assigned, flags, workers: null };
}
