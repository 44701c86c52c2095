/** The file that says where clients are, as the gateway has it now. */
export interface CountryFileState {
  /** Seen from the project's folder. */
  readonly file: string;
  /** Wall clock: when whoever publishes it made what is in use; null: nothing is. */
  readonly madeAtMs: number | null;
  /** Why the newest file was refused; what was there before is in use. Null: all is well. */
  readonly trouble: string | null;
}
