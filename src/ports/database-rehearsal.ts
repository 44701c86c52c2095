import type { Change } from '../core/database/change.ts';
import type { Origin, Rehearsal, Side, Stage } from '../core/database/rehearsal/report.ts';

export interface RehearsalRequest {
  /** The database that the changes are meant for; null: there is only a dump. */
  readonly url: string | null;
  /** Another server for the copy; null: the same one. */
  readonly on: string | null;
  readonly copy: CopySource;
  readonly changes: readonly Change[];
  /** Null: each that is not finished. */
  readonly name: string | null;
  readonly queries: readonly GivenQuery[];
  readonly load: LoadOptions;
  readonly lockTimeoutMs: number;
  readonly lockWaitMs: number;
  /** A statement may wait for the change for so long. */
  readonly limitMs: number;
  readonly contract: boolean;
}

export type CopySource =
  | { readonly from: 'template' }
  | { readonly from: 'schema'; readonly rows: number }
  | { readonly from: 'dump'; readonly file: string };

/** One statement, with `$1`, `$2`, ... where its values are. */
export interface GivenQuery {
  readonly side: Side;
  readonly sql: string;
  readonly origin: Origin;
}

export interface LoadOptions {
  /** Of each version. */
  readonly clients: number;
  /** Statements of each version. */
  readonly perSecond: number;
  /** How long both versions stay as they are between two acts. */
  readonly stayMs: number;
}

export interface RehearsalWatch {
  onNote?(text: string): void;
  onStage?(stage: Stage): void;
  readonly signal: AbortSignal;
}

export interface RecordedStatement {
  readonly sql: string;
  readonly calls: number;
}

/**
 * Rehearses changes on a copy that it makes and drops. Throws REHEARSAL_* and DATABASE_* where there is no copy to
 * rehearse on; what goes wrong with a change there is in what it gives.
 */
export interface DatabaseRehearser {
  rehearse(request: RehearsalRequest, watch: RehearsalWatch): Promise<Rehearsal>;
  /** The statements that the database ran most often, the most frequent first. */
  record(url: string, most: number): Promise<readonly RecordedStatement[]>;
}
