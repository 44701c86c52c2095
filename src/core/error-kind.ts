/** One row of the table of errors. */
export interface ErrorKind {
  readonly exit: 1 | 2 | 3 | 4 | 5;
  readonly http: number;
  /** What happened, in one sentence. The detail of the case follows it. */
  readonly what: string;
  /** What to do next. */
  readonly next: string;
}

export const kind = (exit: ErrorKind['exit'], http: number, what: string, next: string): ErrorKind => ({
  exit,
  http,
  what,
  next,
});
