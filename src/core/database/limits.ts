/** What a change of a database may wait for, hold, read and try again. */
export const databaseLimits = {
  operationsMax: 200,
  changesMax: 10_000,
  /** Where there is none to go on with. */
  changesNamed: 3,
  /** Of one file of a change. */
  fileBytesMax: 1024 * 1024,
  connectTimeoutMs: 10_000,
  connectionsMax: 4,
  /** A connection that is lost is made again so often, one after another. */
  reconnectsMax: 5,
  reconnectPauseMs: 500,
  /** Longer than this nothing of the application's queues behind a lock that Segue waits for. */
  lockTimeoutMs: 500,
  lockPauseMinMs: 100,
  lockPauseMaxMs: 5_000,
  /** A lock that cannot be had for so long is given up. */
  lockWaitMs: 5 * 60_000,
  blockersShown: 5,
  leaseMs: 15_000,
  leaseRenewMs: 3_000,
  /** How long the lease of another run is waited for. */
  leaseWaitMs: 20_000,
  batchRowsFirst: 500,
  batchRowsMin: 10,
  batchRowsMax: 20_000,
  /** Blocks of a table without a key, and of one batch of it. */
  batchBlocksMax: 256,
  /** What a batch is to take: its rows are locked for so long. */
  batchTargetMs: 25,
  batchLockTimeoutMs: 200,
  batchPauseMaxMs: 10_000,
  /** A batch that cannot get its locks so often in a row gives up. */
  batchTriesMax: 100,
  /** How long a statement that writes one table waits for rows of another that is kept in step with it. */
  moveWaitMs: 400,
  movePollMs: 5,
  /** A row that somebody else inserts cannot be seen; it is waited for so long at a time. */
  moveInsertMs: 20,
  /** Rows that were left as they were and are brought in step in one transaction. */
  settleRowsMax: 1_000,
  replicationLagMaxMs: 5_000,
  observeIntervalMs: 1_000,
  /** In a row, of a statement that took far fewer rows than it might: it has caught up with who writes. */
  shortBatchesMax: 3,
  /** Times that a table is gone through until no row is left to do. */
  passesMax: 20,
} as const;

/** What a rehearsal on a copy makes, tries and keeps at most. */
export const rehearsalLimits = {
  rowsDefault: 10_000,
  rowsMax: 10_000_000,
  clientsDefault: 4,
  clientsMax: 50,
  perSecondDefault: 100,
  perSecondMax: 10_000,
  stayMs: 2_000,
  /** What a statement may wait longer than the limit of a lock, as a busy machine notices late. */
  graceMs: 100,
  /** Statements of one version that are named in files, and those taken from a running database. */
  queriesMax: 500,
  recordedMax: 50,
  /** Values that are kept ready for a parameter. */
  poolValues: 500,
  /** Rows that only the cross-check writes. */
  reservedRows: 10,
  crossChecks: 20,
  statementTimeoutMs: 60_000,
  /** How often it is looked who waits for whom. */
  lookIntervalMs: 20,
  /** Transactions of two sessions until a pooler that shares connections out has given one of them another one. */
  poolerLooks: 30,
  /** Of a statement in the report, and of what a program said that failed. */
  statementChars: 160,
  outputBytesMax: 64 * 1024,
  /** Of the text of a dump without data. */
  schemaBytesMax: 256 * 1024 * 1024,
} as const;

/** What the rules for plain SQL read and say at most. */
export const lintLimits = {
  /** Of one file, and of all files of a run. */
  fileBytesMax: 64 * 1024 * 1024,
  filesMax: 10_000,
  /** A longer statement is not parsed: its tree would take a hundred times its size. */
  statementCharsMax: 512 * 1024,
  /** Plain INSERTs of one file that are parsed; a dump has them by the hundred thousand. */
  insertsMax: 2_000,
  /** How deep a called function or a body leads into another. */
  bodyDepthMax: 8,
  /** The pace at which waits are reckoned where sizes are known: that of one modest disk. */
  scanBytesPerSecond: 100 * 1024 * 1024,
  rewriteBytesPerSecond: 25 * 1024 * 1024,
  indexBytesPerSecond: 25 * 1024 * 1024,
  /** Shorter than what a statement may wait for its lock anyway: a warning, not an error. */
  briefMs: 500,
  connectTimeoutMs: 10_000,
  queryTimeoutMs: 30_000,
} as const;
