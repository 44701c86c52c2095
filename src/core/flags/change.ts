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
  readonly verb: 'on' | 'off' | 'set' | 'new' | 'undo' | 'rollout';
  readonly by: string;
  readonly reason: string;
  /** Who approved it; null: nobody had to. */
  readonly approvedBy: string | null;
  /** The number of what it took back; null: nothing. */
  readonly undoes: number | null;
  /** The release that it is a step of; left out: none. */
  readonly release?: string;
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
  /** Who may say it; empty: anybody but `by`. */
  readonly approvers: readonly string[];
  readonly askedAtMs: number;
}
