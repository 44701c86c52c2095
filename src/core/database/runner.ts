/** What a database can be asked to do with a change: the same for the command line and for a release. */
import type { DatabaseClient } from '../release/contract.ts';
import type { Change } from './change.ts';
import type { Phase } from './phase.ts';

export interface Watch {
  /** A step is begun, is done, or was done before. */
  onStep?(event: StepEvent): void;
  onProgress?(progress: Progress): void;
  /** Somebody holds a lock that is needed; called again while it lasts. */
  onWait?(blockers: readonly Blocker[]): void;
  /** Another run is at work, and its end is waited for; called once, with who it is. */
  onBusy?(holder: string): void;
  /** From 0, stand still, to 1, full speed; asked before each batch. */
  throttle?(): number;
  /** It stood back and goes on: that it is to pause or to stop, as was said meanwhile, holds. */
  readonly goesOn?: boolean;
  /** Aborted: stop after what is under way. What is recorded stays done. */
  readonly signal?: { readonly aborted: boolean };
}

export interface StepEvent {
  readonly change: string;
  readonly id: string;
  readonly title: string;
  readonly state: 'begun' | 'done' | 'already';
  readonly tookMs: number;
}

export interface Progress {
  readonly change: string;
  readonly job: string;
  readonly table: string;
  /** Rows gone through, and about how many there are. */
  readonly rows: number;
  readonly total: number;
  readonly rowsPerSecond: number;
  /** Null: not known yet. */
  readonly leftMs: number | null;
  /** Between two batches, for those who need the database more. */
  readonly pauseMs: number;
  /** Slowed: with such pauses. Throttled: standing still for a release that is paused. */
  readonly state: 'running' | 'slowed' | 'paused' | 'throttled' | 'done';
}

export interface Blocker {
  readonly pid: number;
  readonly user: string;
  readonly application: string;
  readonly state: string;
  readonly ageMs: number;
  readonly query: string;
}

export interface ChangeState {
  readonly name: string;
  readonly phase: Phase;
  /** The files say something else than what ran. */
  readonly edited: boolean;
  /** In the journal, but not in the folder. */
  readonly missing: boolean;
  /** When the old columns may be dropped; null: nothing waits for that. */
  readonly keptUntilMs: number | null;
  readonly backfill: Progress | null;
  /** Rows that the new version wrote and that others hold in the old table: brought in step as soon as they are free. */
  readonly pendingRows: number;
  /** There is a way back from its contract, for as long as what it replaced is kept. */
  readonly comesBack: boolean;
}

export interface Status {
  readonly server: string;
  readonly adopted: boolean;
  readonly changes: readonly ChangeState[];
  /** What is in the database and was not made by Segue, `+`, and what is not there any more, `-`. */
  readonly drift: readonly string[];
  readonly holder: string | null;
}

export interface PlannedStep {
  readonly phase: 'expand' | 'backfill' | 'contract' | 'restore' | 'finish' | 'revert';
  readonly id: string;
  readonly title: string;
  readonly statements: readonly string[];
}

/** For people: what tells two runs of one number apart says nothing to them. */
export const showHolder = (holder: string): string => holder.replace(/ began \S+$/, '');

export type Order = 'pause' | 'resume' | 'cancel';

export interface ChangeRunner {
  /** `drift: false`: it is not looked for, which needs locks on tables. */
  status(changes: readonly Change[], options?: { readonly drift: boolean }): Promise<Status>;
  plan(change: Change): Promise<readonly PlannedStep[]>;
  /** Throws what would refuse these changes at their first step, whatever they say: DATABASE_NOT_ADOPTED and its like. */
  check(changes: readonly Change[]): Promise<void>;
  /** New columns, triggers, indexes: the old version and the new one can run from here. */
  expand(changes: readonly Change[], name: string, watch?: Watch): Promise<void>;
  /** Brings the rows that were there up to date, then makes what needs them so. */
  backfill(changes: readonly Change[], name: string, watch?: Watch): Promise<void>;
  /** Rules that the old version could break. What it used is dropped once its time to be kept is over, or `now`. */
  contract(changes: readonly Change[], name: string, options: { now: boolean }, watch?: Watch): Promise<void>;
  /** Back from the contract, while what it replaced is kept: old and new code can run again, nothing is lost. */
  restore(changes: readonly Change[], name: string, watch?: Watch): Promise<void>;
  revert(
    changes: readonly Change[],
    name: string,
    options: { dropData: boolean },
    watch?: Watch,
  ): Promise<void>;
  order(name: string, order: Order): Promise<void>;
  /** Takes the database as it is; the changes named count as made. */
  adopt(made: readonly Change[]): Promise<void>;
  /** Who is connected now, this run itself left out. */
  clients(): Promise<readonly DatabaseClient[]>;
  close(): Promise<void>;
}
