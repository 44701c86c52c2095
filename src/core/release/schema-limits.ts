/** Bounds of releases that change the database. */
export const schemaLimits = {
  /** Names under "database: { contract: { clients } }". */
  clientsMax: 100,
  /** A database that does not answer, or that is busy, is tried again: a release holds meanwhile. */
  retryMinMs: 500,
  retryMaxMs: 15_000,
  /** A database that is only looked at, and has not answered after this, is away. */
  lookMs: 30_000,
  /** How often it is looked at whether anything still needs an old schema. */
  contractIntervalMs: 5_000,
  /** A contract that failed for what passes by itself is tried again after this. */
  contractRetryMs: 60_000,
  /** Progress of a backfill is written down at each of so many parts of it. */
  progressParts: 20,
  progressIntervalMs: 1_000,
  /** How often the latency of users is looked at while a backfill runs. */
  paceIntervalMs: 500,
  /** Slower than this times what it was before, and the backfill gives way. */
  latencyTolerated: 1.2,
  /** Requests that a window needs before its latency means anything. */
  paceRequestsMin: 20,
  speedMin: 0.02,
  clientsShown: 10,
} as const;
