/** How a contract stands: what it waits for, where that was seen and since when (R6). */
import type { ErrorRecord } from '../errors.ts';
import { formatDurationMs } from '../units.ts';
import type { Halfway, Reach } from './schema.ts';

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
  /** It is being made now. Left out by an older control, as is `failed`. */
  readonly underWay?: boolean;
  /** The last try failed; `againAtMs` null: it waits for a person. */
  readonly failed?: { readonly error: ErrorRecord; readonly againAtMs: number | null } | null;
  readonly neededBy: readonly NeededBy[];
}

/** In a line; everything that it waits for is in `neededBy`. */
export function describeContract(standing: ContractStanding, nowMs: number): string {
  const { change, keptUntilMs, dueAtMs, againSinceMs, failed, neededBy } = standing;
  const again = againSinceMs === null ? '' : ', needed again';
  if (standing.underWay) return 'contract under way';
  if (neededBy.length > 0) return `contract waits${again}`;
  const inTime = (atMs: number) => formatDurationMs(Math.max(0, atMs - nowMs));
  if (failed) {
    const { error, againAtMs } = failed;
    const next =
      againAtMs === null
        ? `"segue database contract ${change}" tries again`
        : `tried again in ${inTime(againAtMs)}`;
    return `contract failed (${error.code}), ${next}: ${error.detail.replace(/\s*\n\s*/g, ' ')}`;
  }
  if (keptUntilMs !== null) return `what it replaced is kept for ${inTime(keptUntilMs)}`;
  if (dueAtMs !== null) return `contract in ${inTime(dueAtMs)}`;
  return `nothing needs the old schema: segue database contract ${change}`;
}

export function describeNeed({ what, sinceMs }: NeededBy, nowMs: number): string {
  return sinceMs === null ? what : `${what}, for ${formatDurationMs(Math.max(0, nowMs - sinceMs))}`;
}

/** A contract of which only a part is taken back: what did that was stopped. */
export function describeHalfway(change: string): string {
  return `half taken back; a rollback or "segue database revert ${change} --contract" ends that`;
}

/** Of a change that a release brought, or that is under way. */
export interface Reached {
  readonly change: string;
  readonly reach: Reach;
  readonly halfway?: Halfway | null;
  /** Null: nothing was looked at for it. */
  readonly standing: ContractStanding | null;
}

export function describeReach({ change, reach, halfway, standing }: Reached, nowMs: number): string {
  if (halfway === 'restore') return `its contract is ${describeHalfway(change)}`;
  if (standing !== null) return describeContract(standing, nowMs);
  if (halfway === 'contract') return 'contracted in part';
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
