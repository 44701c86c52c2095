/** Bounds of flags; a part of `core/limits.ts`, by which everybody reads them. */
export const flagLimits = {
  flagsMax: 5_000,
  /** Of one definition file. */
  fileBytesMax: 5 * 1024 * 1024,
  filesMax: 200,
  /** How often definition files are looked at, for a system that does not tell when they change. */
  lookIntervalMs: 500,
  /** Parts of one rule with its shared rules in their places, so that a small file cannot become a huge one. */
  rulePartsMax: 50_000,
  /** In one list of names, origins or approvals of segue.yaml. */
  namesMax: 100,
  keysMax: 100,
  /** Changes that wait for somebody's approval. */
  pendingMax: 100,
  /** What was asked of flags is written down this often. */
  usageIntervalMs: 10_000,
  /** Of one request: the context that flags are evaluated for. */
  contextBytesMax: 256 * 1024,
  streamsMax: 20_000,
  connectionsMax: 21_000,
  acceptQueueMax: 4_096,
  /** Every stream gets a sign of life within this, and is let go when it has not read so much. */
  heartbeatMs: 30_000,
  streamBacklogBytesMax: 64 * 1024,
  streamRetryS: 5,
  /** Of a request for a stream that is answered without HTTP's machinery; larger ones get it. */
  streamHeadBytesMax: 8 * 1024,
  /** Until a new connection says its first word. */
  firstWordMs: 30_000,
  /** After which browsers that nobody looks at may close their stream. */
  inactivityS: 120,
  historyMax: 1_000,
  /** Of the user's project, where it is looked for places that mention a flag. */
  codeFilesMax: 50_000,
  codeFileBytesMax: 1024 * 1024,
  codePlacesMax: 100,
} as const;
