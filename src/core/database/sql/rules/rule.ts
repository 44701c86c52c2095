/** What a rule is, and what it finds. */
import type { FileState, Phase } from '../file-state.ts';
import type { Severity } from '../finding.ts';
import type { LockMode } from '../locks.ts';
import { workMs, type KnownTable, type Work } from '../server.ts';
import type { Statement } from '../statement.ts';
import { limits } from '../../../limits.ts';

export interface Rule {
  readonly severity: Severity;
  /** The lock that the statement holds while it works; null where the harm is another one. */
  readonly lock: LockMode | null;
  /** What it does, in a sentence: for the table of rules. */
  readonly what: string;
  /** The safe form in a few words. */
  readonly safe: string;
  /** Files of a change in which it has nothing to say: what they are for, or what the executor does itself. */
  readonly quietIn?: readonly Phase[];
}

export type Rules = Readonly<Record<string, Rule>>;

export interface Hit {
  readonly rule: string;
  readonly severity: Severity;
  /** Characters from the beginning of the file. */
  readonly at: number;
  readonly message: string;
  readonly safe: readonly string[];
}

export type Check = (statement: Statement, state: FileState) => Iterable<Hit>;

interface HitOptions {
  readonly at?: number;
  readonly severity?: Severity;
  /** What takes the time: where a table is known to be small, an error is a warning. */
  readonly work?: { readonly table: KnownTable | null; readonly work: Work };
}

/** Makes hits of one table of rules, so that a code that is not in it does not compile. */
export function hitsOf<T extends Rules>(rules: T) {
  return (
    rule: keyof T & string,
    statement: Statement,
    message: string,
    safe: readonly string[],
    options: HitOptions = {},
  ): Hit => {
    const usual = rules[rule]?.severity ?? 'error';
    const ms = options.work ? workMs(options.work.table, options.work.work) : null;
    const isBrief = ms !== null && ms < limits.lint.briefMs && usual === 'error';
    return {
      rule,
      severity: options.severity ?? (isBrief ? 'warning' : usual),
      at: options.at ?? statement.base + statement.start,
      message,
      safe,
    };
  };
}
