import type { ErrorRecord } from '../errors.ts';
import type { Word } from './gate.ts';
import type { GuardedJudgement } from '../judge/guarded-judgement.ts';
import type { RowReport } from '../judge/row-report.ts';
import type { Verdict } from '../judge/verdict.ts';
import type { Plan } from './plan.ts';
import type { Receipt } from './receipt.ts';
import type { Outcome } from './state.ts';
import type { Step } from './step.ts';

/** One line of the journal. `seq` rises without gaps; `fence` says which control wrote it (R7). */
export interface Entry extends NewEntry {
  readonly seq: number;
  readonly fence: number;
}

export interface NewEntry {
  readonly atMs: number;
  readonly release: string | null;
  readonly service: string | null;
  readonly fact: Fact;
}

/** What can have happened. Intent comes before the act (`...-ing`, `started`), the result after it. */
export type Fact =
  | { readonly kind: 'control-started'; readonly pid: number; readonly version: string }
  | { readonly kind: 'control-stopped' }
  | {
      readonly kind: 'file-applied';
      readonly environment: string | null;
      readonly services: readonly string[];
    }
  | { readonly kind: 'gateway-started'; readonly pid: number }
  | { readonly kind: 'gateway-adopted'; readonly pid: number; readonly routing: number | null }
  | { readonly kind: 'gateway-lost'; readonly detail: string }
  | { readonly kind: 'routing-applied'; readonly number: number; readonly instances: readonly string[] }
  | {
      readonly kind: 'version-kept';
      readonly version: string;
      readonly digest: string;
      readonly files: number;
      readonly bytes: number;
    }
  | { readonly kind: 'version-removed'; readonly version: string }
  | { readonly kind: 'release-planned'; readonly by: string; readonly plan: Plan }
  | { readonly kind: 'release-resumed' }
  | {
      readonly kind: 'step-started';
      readonly index: number;
      readonly direction: 'forward' | 'back';
      readonly step: Step;
    }
  | {
      readonly kind: 'step-done';
      readonly index: number;
      readonly direction: 'forward' | 'back';
      readonly note: string;
    }
  | {
      readonly kind: 'step-failed';
      readonly index: number;
      readonly direction: 'forward' | 'back';
      readonly error: ErrorRecord;
    }
  | ({ readonly kind: 'abort-asked' } & Word)
  | ({ readonly kind: 'paused' } & Word)
  | ({ readonly kind: 'resumed' } & Word)
  | ({ readonly kind: 'approved'; readonly index: number } & Word)
  | ({ readonly kind: 'gates-waived'; readonly indexes: readonly number[] } & Word)
  /** Its patience is over, and a person is asked. */
  | { readonly kind: 'unsure'; readonly index: number; readonly patienceMs: number }
  /** It goes back for a cause that none of its steps met. */
  | { readonly kind: 'turned'; readonly cause: ErrorRecord }
  /** When a stage begins to be judged, when the word changes, and when the stage ends. `stage`: index of its route step. */
  | {
      readonly kind: 'verdict';
      readonly verdict: Verdict;
      readonly stage: number;
      readonly judgement: GuardedJudgement;
      /** By weight and rule; absent in earlier journals. */
      readonly rows?: readonly RowReport[];
    }
  /** The database is away, busy, locked or full: what was to be done to it is tried again. */
  | { readonly kind: 'schema-waits'; readonly change: string; readonly error: ErrorRecord }
  /** They hold a lock that the change needs. */
  | { readonly kind: 'schema-blocked'; readonly change: string; readonly by: readonly string[] }
  | {
      readonly kind: 'backfill-progress';
      readonly change: string;
      readonly table: string;
      readonly rows: number;
      readonly total: number;
      readonly rowsPerSecond: number;
      readonly leftMs: number | null;
    }
  /** Nothing needs the old schema any more, as far as can be seen; or something does again. */
  | { readonly kind: 'contract-free'; readonly change: string }
  | { readonly kind: 'contract-held'; readonly change: string; readonly by: readonly string[] }
  | ({ readonly kind: 'contract-asked'; readonly change: string } & Word)
  | { readonly kind: 'contract-begun'; readonly change: string }
  /** `kept`: what older versions used is there still, and in step. */
  | { readonly kind: 'contract-done'; readonly change: string; readonly kept: boolean }
  | { readonly kind: 'contract-failed'; readonly change: string; readonly error: ErrorRecord }
  | { readonly kind: 'back-planned'; readonly cause: ErrorRecord; readonly steps: readonly Step[] }
  | {
      readonly kind: 'release-ended';
      readonly outcome: Outcome;
      readonly cause: ErrorRecord | null;
      readonly receipt: Receipt | null;
    }
  | {
      readonly kind: 'instance-starting';
      readonly instance: string;
      readonly version: string;
      readonly port: number;
    }
  | { readonly kind: 'instance-started'; readonly instance: string; readonly detail: string }
  | { readonly kind: 'instance-adopted'; readonly instance: string }
  | { readonly kind: 'instance-ready'; readonly instance: string; readonly afterMs: number }
  | { readonly kind: 'instance-unready'; readonly instance: string; readonly why: string }
  | { readonly kind: 'instance-unhealthy'; readonly instance: string; readonly why: string }
  | {
      readonly kind: 'instance-crashed';
      readonly instance: string;
      readonly exit: string;
      readonly lastLines: readonly string[];
      readonly restartAfterMs: number | null;
    }
  | { readonly kind: 'instance-stopping'; readonly instance: string }
  | { readonly kind: 'instance-stopped'; readonly instance: string; readonly how: string };
