/** The database that is released with the code, in what control answers. */
import type { Progress } from '../core/database/runner.ts';
import type { ContractStanding, Reached } from '../core/release/contract-standing.ts';
import type { Halfway, Reach } from '../core/release/schema.ts';

export interface DatabaseStatus {
  /** Those that Segue made or is to make, in their order, as they were last seen. */
  readonly changes: readonly {
    readonly name: string;
    readonly reach: Reach;
    /** What was begun of it and has not ended. Left out by an older control. */
    readonly halfway?: Halfway | null;
    /** What needs it: it cannot be taken back. */
    readonly usedBy: readonly string[];
  }[];
  readonly backfills: readonly Progress[];
  readonly contracts: readonly ContractStatus[];
  /** Why it cannot be read now; null: nothing is wrong. */
  readonly trouble: string | null;
}

/** A contract that is to come. */
export interface ContractStatus extends Partial<ContractStanding> {
  readonly change: string;
  readonly keptUntilMs: number | null;
  readonly freeSinceMs: number | null;
  readonly dueAtMs: number | null;
  /** What still needs the old schema: the words of `neededBy`. */
  readonly by: readonly string[];
}

/** Its standing is null where it is not looked at: the change is not as far, or its contract is done. */
export type ContractView = Reached;
