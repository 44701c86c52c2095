import type { FlagDefinition } from './definition.ts';
import type { Override } from './override.ts';

/** How a flag was at one moment. */
export interface FlagState {
  readonly override: Override | null;
  /** Null: there was none. */
  readonly definition: FlagDefinition | null;
}

/** One change at run time. The number of its journal entry is what it is undone by. */
export interface FlagChange {
  readonly flag: string;
  /** `raise` and `lower`: a release of a service did. `hold`: a file asked for more than may be. */
  readonly verb: 'on' | 'off' | 'set' | 'new' | 'undo' | 'rollout' | 'raise' | 'lower' | 'hold';
  readonly by: string;
  readonly reason: string;
  /** Who approved it; null: nobody had to. */
  readonly approvedBy: string | null;
  /** The number of what it took back; null: nothing. */
  readonly undoes: number | null;
  /** The release that it is a step of; left out: none. */
  readonly release?: string;
  /** Why it was not to be done, where somebody insisted; left out: nothing was in the way. */
  readonly overruled?: string;
  readonly before: FlagState;
  readonly after: FlagState;
}

/** A change that waits for somebody else's word. */
export interface PendingChange {
  readonly number: number;
  readonly flag: string;
  readonly verb: FlagChange['verb'];
  readonly by: string;
  readonly reason: string;
  readonly undoes: number | null;
  readonly override: Override | null;
  /** Whoever asked insists, whatever the code that is there. */
  readonly anyway?: boolean;
  /** What has to be set still when it is approved; left out: whatever it is. */
  readonly from?: Override | null;
  /** In whose name it was asked; left out: in nobody's but `by`'s. */
  readonly release?: string;
  /** Who may say it; empty: anybody but `by`. */
  readonly approvers: readonly string[];
  readonly askedAtMs: number;
}
