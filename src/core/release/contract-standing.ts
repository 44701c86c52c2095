/** How a contract stands: what it waits for, where that was seen and since when (R6). */
import { formatDurationMs } from '../units.ts';
import type { Reach } from './schema.ts';

/** `journal`: versions, releases and instances that control knows of. `gateway`: requests. `database`: connections. */
export type SeenIn = 'journal' | 'gateway' | 'database';

export interface NeededBy {
  readonly seenIn: SeenIn;
  /** In a person's words. */
  readonly what: string;
  /** A connection: since it was opened, where the server says so. All else: since this control first saw it. */
  readonly sinceMs: number | null;
}

export interface ContractStanding {
  readonly change: string;
  /** It is contracted, and what older versions used is kept until then. Null: it is not contracted yet. */
  readonly keptUntilMs: number | null;
  readonly freeSinceMs: number | null;
  /** Nothing needed the old schema before, and then something did: since when its time is to begin anew. */
  readonly againSinceMs: number | null;
  /** When it is due by the file; null: it waits for something, or for a person. */
  readonly dueAtMs: number | null;
  readonly neededBy: readonly NeededBy[];
}

/** In a line; everything that it waits for is in `neededBy`. */
export function describeContract(standing: ContractStanding, nowMs: number): string {
  const { change, keptUntilMs, dueAtMs, againSinceMs, neededBy } = standing;
  const again = againSinceMs === null ? '' : ', needed again';
  if (neededBy.length > 0) return `contract waits${again}`;
  const inTime = (atMs: number) => formatDurationMs(Math.max(0, atMs - nowMs));
  if (keptUntilMs !== null) return `what it replaced is kept for ${inTime(keptUntilMs)}`;
  if (dueAtMs !== null) return `contract in ${inTime(dueAtMs)}`;
  return `nothing needs the old schema: segue database contract ${change}`;
}

export function describeNeed({ what, sinceMs }: NeededBy, nowMs: number): string {
  return sinceMs === null ? what : `${what}, for ${formatDurationMs(Math.max(0, nowMs - sinceMs))}`;
}

/** Of a change that a release brought; `standing` null: nothing was looked at for it. */
export function describeReach(reach: Reach, standing: ContractStanding | null, nowMs: number): string {
  if (standing !== null) return describeContract(standing, nowMs);
  switch (reach) {
    case 'new':
      return 'not there yet';
    case 'expanded':
      return 'its backfill is not done';
    case 'filled':
      return 'can be contracted';
    case 'contracted':
      return 'contracted; what it replaced is still there';
    case 'finished':
      return 'contracted; what it replaced is gone';
  }
}
