import type { Change } from '../core/database/change.ts';
import type { ChangeRunner } from '../core/database/runner.ts';

export interface DatabaseOptions {
  /** Longest wait for a lock, and so the longest that others queue behind it. */
  readonly lockTimeoutMs?: number;
  /** After this a lock is given up. */
  readonly lockWaitMs?: number;
  readonly leaseWaitMs?: number;
}

/** A database that changes are made to. Throws DATABASE_UNREACHABLE, DATABASE_UNSUPPORTED. */
export interface DatabaseOpener {
  open(url: string, options?: DatabaseOptions): Promise<ChangeRunner>;
}

/** The folders of the changes, in the order of their names. Throws CHANGE_INVALID with every problem. */
export interface ChangeSource {
  read(dir: string): Promise<readonly Change[]>;
}
