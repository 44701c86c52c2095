import type { Traffic } from './traffic.ts';
import type { Minute } from './minutes.ts';

/** What a rule is given: the same traffic, as it came and as queries see it. */
export interface Release {
  readonly traffic: Traffic;
  readonly minutes: readonly Minute[];
}

/** Somebody's way to decide; null: the candidate was not taken back. */
export interface Rule {
  readonly name: string;
  readonly isOurs: boolean;
  decide(release: Release): Decision | null;
}

/** When a rule took the candidate back. */
export interface Decision {
  readonly atS: number;
  /** Requests of the candidate until then. */
  readonly candidateRequests: number;
}
