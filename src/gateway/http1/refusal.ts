/** Why a message is not taken. Each has its answer in `replies.ts`; in a response it is a 502 whatever it says. */
export type Refusal =
  /** Not HTTP, or in one of the ways that two readers could read differently (T6). */
  | 'malformed'
  /** The host it is for is missing, doubled or contradicts the target. */
  | 'not-clear'
  | 'head-too-large'
  | 'target-too-long'
  | 'coding-unknown'
  | 'method-unknown'
  | 'version-unknown';

export type Scan = 'complete' | 'incomplete' | Refusal;
