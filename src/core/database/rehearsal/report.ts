/** What a rehearsal found, as data: `--json` writes it as it is, and everything shown to people is made from it. */
import type { ErrorRecord } from '../../errors.ts';

/** `old`: clients of the version from before the change. `new`: those of the version made with it. */
export type Side = 'old' | 'new';

export type Origin = 'generated' | 'declared' | 'file';

/** In the order in which a rehearsal goes through them. */
export type Stage =
  | 'before'
  | 'expand'
  | 'backfill'
  | 'both'
  | 'revert'
  | 'again'
  | 'contract'
  | 'kept'
  | 'restore'
  | 'together'
  | 'finish'
  | 'after';

export interface Rehearsal {
  /** Raised when a reader of an earlier shape would misread this one. */
  readonly format: 1;
  readonly changes: readonly string[];
  readonly copy: CopyFacts;
  readonly stages: readonly StageSum[];
  readonly statements: readonly StatementSum[];
  readonly crossed: Crossed;
  readonly back: WayBack;
  /** Null: it was to end before the contract. */
  readonly restored: Restored | null;
  /** The change itself was refused there, and nothing after it was rehearsed. */
  readonly broken: (ErrorRecord & { readonly stage: Stage }) | null;
  readonly backfills: readonly BackfillSum[];
  readonly limitMs: number;
  readonly verdict: Verdict;
  /** What was left out, and why. */
  readonly notes: readonly string[];
}

export interface CopyFacts {
  readonly from: 'template' | 'schema' | 'dump';
  readonly database: string;
  readonly server: string;
  readonly rows: number;
}

export interface StageSum {
  readonly stage: Stage;
  readonly tookMs: number;
  readonly statements: number;
  readonly failed: number;
  /** Of the application's statements, from sending it to its answer. */
  readonly longestMs: number;
  readonly waits: readonly Wait[];
  readonly steps: readonly { readonly title: string; readonly tookMs: number }[];
  /** Transactions that the change itself waited for. */
  readonly stoodBehind: readonly string[];
}

/** Statements of the application that stood behind somebody's lock. */
export interface Wait {
  readonly statement: string;
  readonly side: Side | null;
  /** The lock that it asked for, and on what. */
  readonly mode: string;
  readonly on: string;
  /** A statement of the change, or of another client. */
  readonly behind: string;
  readonly byChange: boolean;
  readonly times: number;
  readonly longestMs: number;
}

export interface StatementSum {
  readonly side: Side;
  readonly sql: string;
  readonly origin: Origin;
  readonly runs: number;
  readonly failed: number;
  readonly longestMs: number;
  readonly failures: readonly Failure[];
  /** Why it was taken out of the load: it says nothing about the change. */
  readonly unfit: string | null;
}

export interface Failure {
  readonly stage: Stage;
  /** SQLSTATE, or the code of a socket's error. */
  readonly code: string;
  readonly message: string;
  readonly times: number;
}

/** Values that one version wrote and the other read. */
export interface Crossed {
  readonly checked: number;
  readonly apart: readonly Apart[];
}

export interface Apart {
  readonly writer: Side;
  readonly table: string;
  readonly columns: readonly string[];
  readonly wrote: string;
  readonly read: string;
  readonly expected: string;
  readonly times: number;
}

export interface WayBack {
  /** `none`: there is no way back; `not-reached`: the rehearsal ended before. */
  readonly state: 'gone' | 'none' | 'not-reached';
  /** What `segue database revert` says without `--drop-data`; null: it would go. */
  readonly refused: string | null;
  readonly rows: number;
  readonly values: number;
  readonly lost: readonly Lost[];
}

/** The way back from the contract, for as long as what it replaced is kept. */
export interface Restored {
  readonly state: WayBack['state'];
  /** Until when the old version can come back: change by change, as the plan of a release says it. */
  readonly contracts: readonly End[];
  /** Of what the new version wrote after the contract, and of what both write once it was taken back. */
  readonly crossed: Crossed;
  readonly rows: number;
  readonly values: number;
  readonly lost: readonly Lost[];
}

export interface End {
  readonly name: string;
  readonly keepMs: number;
  readonly comesBack: boolean;
}

export interface Lost {
  readonly table: string;
  /** Null: whole rows. */
  readonly column: string | null;
  readonly count: number;
}

export interface BackfillSum {
  readonly change: string;
  readonly table: string;
  readonly rows: number;
  readonly rowsPerSecond: number;
  /** Rows of the table that is not a copy, and how long it would take there; null: not known. */
  readonly realRows: number | null;
  readonly realMs: number | null;
}

export type ReasonKind =
  'change-failed' | 'statements-failed' | 'read-apart' | 'waited' | 'not-rehearsed' | 'lost' | 'no-way-back';

export interface Verdict {
  readonly fit: boolean;
  /** DESIGN s. 10: 0 fit; 2 the change has to be corrected; 4 a person has to say that this may be lost. */
  readonly exitCode: 0 | 2 | 4;
  readonly reasons: readonly { readonly kind: ReasonKind; readonly text: string }[];
}
