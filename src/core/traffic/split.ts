/** How the requests of a service are shared out between versions, in whole percents. */

/** `baseline`: as many new instances of the stable version as the candidate has, for a fair comparison. */
export type Group = 'stable' | 'candidate' | 'baseline';

export interface Share {
  readonly group: Group;
  readonly version: string;
  /** Whole; those of all shares of a split make 100. */
  readonly percent: number;
  /** Ids of ready instances; empty is allowed. */
  readonly backends: readonly string[];
}
