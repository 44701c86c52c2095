/** How fast a backfill goes: as fast as nobody notices. Pure: what was seen in, the next batch out. */
import { limits } from '../limits.ts';

const {
  batchRowsFirst,
  batchRowsMin,
  batchRowsMax,
  batchTargetMs,
  batchPauseMaxMs,
  lockPauseMinMs,
  replicationLagMaxMs,
} = limits.database;

export interface Pace {
  readonly batchRows: number;
  readonly pauseMs: number;
}

export interface Seen {
  readonly tookMs: number;
  /** What was only the ways to the server and back, and waiting for a processor on both sides. */
  readonly waysMs: number;
  /** The batch could not get its rows in time and was given up. */
  readonly locked: boolean;
  /** Statements of others that waited for the batch. */
  readonly waiters: number;
  /** Of the replica furthest behind; null: there is none. */
  readonly lagMs: number | null;
  /** Dead rows for each live one, while a vacuum is at work on the table; else 0. */
  readonly deadShare: number;
  /** From 0 to 1: what others allow. */
  readonly speed: number;
}

export const FIRST_PACE: Pace = { batchRows: batchRowsFirst, pauseMs: 0 };

/** Pauses double while the reason lasts, and halve when it is gone. */
const doubled = (pauseMs: number) => Math.min(batchPauseMaxMs, Math.max(lockPauseMinMs, pauseMs * 2));
const eased = (pauseMs: number) => (pauseMs > 1 ? pauseMs / 2 : 0);

const DEAD_SHARE_MAX = 0.5;

export function nextPace({ batchRows, pauseMs }: Pace, seen: Seen): Pace {
  if (seen.locked) return { batchRows: bounded(batchRows / 2), pauseMs: doubled(pauseMs) };
  if (seen.lagMs !== null && seen.lagMs > replicationLagMaxMs)
    return { batchRows, pauseMs: doubled(pauseMs) };
  // Fewer rows do not shorten the ways: on a busy machine batches would shrink until nothing but ways is left.
  const workMs = Math.max(1, seen.tookMs - seen.waysMs);
  const factor = Math.min(1.5, Math.max(0.5, batchTargetMs / workMs));
  const rows = bounded(batchRows * (seen.waiters > 0 ? Math.min(factor, 0.7) : factor));
  const vacuumed = seen.deadShare > DEAD_SHARE_MAX ? seen.tookMs : 0;
  const slowed =
    seen.speed < 1
      ? Math.min(batchPauseMaxMs, (seen.tookMs * (1 - seen.speed)) / Math.max(0.01, seen.speed))
      : 0;
  return { batchRows: rows, pauseMs: Math.max(eased(pauseMs), vacuumed, slowed) };
}

/**
 * Of a statement that takes so many rows and no more. One that has many before it may find a few less, too: those that
 * somebody wrote or deleted while it waited for them.
 */
export const isShort = (changed: number, asked: number): boolean => changed * 2 < asked;

function bounded(rows: number): number {
  return Math.round(Math.min(batchRowsMax, Math.max(batchRowsMin, rows)));
}
