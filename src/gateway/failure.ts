/** How a try ended that gave the client nothing. */
export type Failure =
  | 'unreached'
  /** It reached the instance, which did nothing with it and said so. */
  | 'refused'
  | 'died'
  /** It answered what is not HTTP, or only half. */
  | 'garbled'
  | 'late'
  /** The client did not send the rest of its body. */
  | 'stalled';
