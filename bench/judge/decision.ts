/** When a rule took the candidate back. */
export interface Decision {
  readonly atS: number;
  /** Requests of the candidate until then. */
  readonly candidateRequests: number;
}
