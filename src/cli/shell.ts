/** What a verb sees of the world. `main/cli.ts` makes the real one; tests run the real program instead. */
import type { DatabaseFacts } from '../ports/database-facts.ts';
import type { SqlParser } from '../ports/sql-parser.ts';
import type { DatabaseRehearser } from '../ports/database-rehearsal.ts';
import type { ChangeSource, DatabaseOpener } from '../ports/database.ts';
import type { Paint } from './render/style.ts';

export interface Shell {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly screen: Screen;
  readonly time: Time;
  /** Aborted by the first Ctrl-C. */
  readonly interrupted: AbortSignal;
  readonly places: Places;
  readonly tools: Tools;
  /** For the verbs that work without control. */
  readonly database: DatabaseOpener;
  readonly changes: ChangeSource;
  readonly rehearser: DatabaseRehearser;
}

export interface Screen {
  /** True when people watch: progress is drawn, not listed. */
  readonly live: boolean;
  readonly paint: Paint;
  /** Results, on stdout. */
  print(lines: readonly string[]): void;
  /** One JSON value: whole and indented. */
  json(value: unknown): void;
  /** One JSON value on a line of its own, for verbs that stream. */
  jsonLine(value: unknown): void;
  /** What is not the result: errors, hints. On stderr. */
  note(lines: readonly string[]): void;
  /** Of the terminal, now. */
  size(): { readonly columns: number; readonly rows: number };
  /** A part of the terminal that is drawn again and again. */
  open(): Promise<Drawing>;
}

export interface Drawing {
  draw(lines: readonly string[]): void;
  /** Leaves the last state standing. */
  close(): void;
}

export interface Time {
  nowMs(): number;
  monotonicMs(): number;
  /** Resolves early, without an error, when the signal is aborted. */
  pause(durationMs: number, signal?: AbortSignal): Promise<void>;
}

/** Where this Segue's own files lie. */
export interface Places {
  readonly controlMain: string;
  readonly schema: string;
  readonly changeSchema: string;
}

/** Drivers for verbs that need no control. Each is loaded when it is first asked for: most verbs need none. */
export interface Tools {
  sqlParser(): Promise<SqlParser>;
  databaseFacts(): Promise<DatabaseFacts>;
}
