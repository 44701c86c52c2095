/** What lint says about a place in a file. */
export type Severity = 'error' | 'warning' | 'advice';

export const SEVERITIES: readonly Severity[] = ['advice', 'warning', 'error'];

export function isAtLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);
}

export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  readonly file: string;
  /** From 1; the end is the end of the statement. */
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  /** What it locks or breaks, and for how long. */
  readonly message: string;
  /** The safe form: SQL with the user's own names where that can be said, one line each. */
  readonly safe: readonly string[];
}
