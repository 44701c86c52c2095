export interface Clock {
  /** Wall clock: for people and for comparing with other processes. May jump. */
  nowMs(): number;
  /** Never goes back: for every duration and deadline. */
  monotonicMs(): number;
  /** Rejects with the signal's reason when it is aborted first. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}

export interface Randomness {
  /** Lower-case hexadecimal of that many random bytes. */
  hex(bytes: number): string;
}
