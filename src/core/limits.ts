/** Every bound in the project, in one table: what may queue, wait, grow or be tried again, and how far. */
import { databaseLimits, lintLimits, rehearsalLimits } from './database/limits.ts';
import { flagLimits } from './flags/limits.ts';
import { schemaLimits } from './release/schema-limits.ts';
import { gatewayLimits } from './traffic/limits.ts';

export const limits = {
  file: {
    /** A segue.yaml larger than this is refused before it is parsed. */
    bytesMax: 1024 * 1024,
    servicesMax: 1000,
    /** Items of one list in a "when", and the length of one pattern. */
    whenItemsMax: 100,
    patternCharsMax: 500,
    /** A rule with more ways to match is not looked at for whether it ever can. */
    termsMax: 1000,
    networksMax: 1000,
    /** Of a page that users see during maintenance: it travels with every routing. */
    pageBytesMax: 64 * 1024,
    instancesPerServiceMax: 200,
    smokeTestsMax: 100,
    /** Of a canary; its weights are whole percents. */
    stagesMax: 100,
    /** Of an A/B test, each with its own counts, and how long one may last. */
    rulesMax: 20,
    abMaxMs: 21 * 86_400_000,
    certificatesMax: 1000,
    /** Of the YAML after its aliases are expanded, so that a small file cannot become a huge one. */
    nodesMax: 200_000,
    depthMax: 64,
    problemsMax: 200,
    durationMaxMs: 7 * 86_400_000,
    keepMaxMs: 3_650 * 86_400_000,
  },
  database: databaseLimits,
  rehearsal: rehearsalLimits,
  schema: schemaLimits,
  cli: {
    controlStartTimeoutMs: 20_000,
    controlStopTimeoutMs: 120_000,
    pollIntervalMs: 50,
    responseBytesMax: 64 * 1024 * 1024,
    /** A follower whose control is gone (killed, upgraded) tries again this often and for this long. */
    followRetryMs: 500,
    followGiveUpMs: 60_000,
    redrawIntervalMs: 100,
    watchIntervalMs: 1_000,
    /** In a log, how a release stands is said this often while nothing else changes. */
    standingIntervalMs: 30_000,
    /** Shell completion answers within this or not at all. */
    completionTimeoutMs: 500,
    logTailBytesMax: 16 * 1024,
    gitTimeoutMs: 5_000,
  },
  versions: {
    filesMax: 500_000,
    bytesMax: 20 * 1024 ** 3,
    copiesAtOnce: 16,
    hashChunkBytes: 256 * 1024,
    /** The newest kept versions that a new one shares unchanged files with. */
    sharedWithMax: 5,
  },
  log: {
    /** Per instance and file; one older file is kept beside it. */
    bytesMax: 10 * 1024 * 1024,
    rotateCheckIntervalMs: 2_000,
    copyChunkBytes: 256 * 1024,
    /** A writer that outruns a rotation loses what it writes meanwhile; this bounds how long that is tried. */
    catchUpTriesMax: 8,
    tailBytesMax: 64 * 1024,
    /** A longer line is handed on in pieces. */
    lineCharsMax: 16 * 1024,
    followIntervalMs: 100,
    /** Instances that are gone for good and whose logs can still be read. */
    forgottenKeptMax: 20,
    /** Last lines of an instance that failed, carried in the error and the journal. */
    tailLinesInErrors: 20,
  },
  runtime: {
    stopPollIntervalMs: 20,
    /** After SIGKILL the kernel needs a moment; past this the instance is reported as not stopped. */
    killWaitMs: 5_000,
    /** Instances of an earlier control are not children of this one: their end has to be looked for. */
    adoptedPollIntervalMs: 200,
    /** Such looks in vain at one whose end the keeper of its socket should tell, and how it came. */
    keeperLooksMax: 5,
    environReadsAtOnce: 32,
    restartBackoffFirstMs: 500,
    restartBackoffMaxMs: 30_000,
    /** An instance that lived this long starts its backoff anew. */
    restartBackoffForgetMs: 60_000,
    portTriesMax: 200,
    /** Reasons of instances that ended before they were ready, kept for their releases. */
    failuresKeptMax: 500,
  },
  health: {
    /** New instances are asked more often than running ones, so that a release does not wait for a poll. */
    startIntervalMs: 20,
    bodyBytesMax: 64 * 1024,
    dependencyIntervalMs: 5_000,
    /** What is kept of a command's output to quote its last line. */
    outputBytesMax: 4 * 1024,
    outputWaitMs: 100,
    detailCharsMax: 300,
    bodyQuoteCharsMax: 80,
    outputQuoteCharsMax: 120,
  },
  guards: {
    metricsMax: 50,
    /** Between two questions to a metric, and two readings of what instances use. */
    intervalMinMs: 100,
    /** The judge looks at every report of the gateway; what guards found changes more slowly. */
    lookIntervalMs: 250,
    queryCharsMax: 4 * 1024,
    headersMax: 20,
    answerBytesMax: 1024 * 1024,
    whyCharsMax: 200,
    /** Probes under way at once, of one release. */
    probesAtOnceMax: 16,
    probesPerSecondMax: 50,
  },
  release: {
    /** Tries to go back before the release is declared stuck and a person is needed. */
    backTriesMax: 5,
    backRetryMs: 1_000,
    /** Crashes of candidate instances during a release or its bake that count as a crash loop. */
    crashesMax: 3,
    reasonCharsMax: 500,
  },
  judge: {
    /** Sessions of one side that are remembered for having met an error. */
    sessionsMax: 2_000,
    /** Stable's past is kept in so many windows, which grow from the first length to the last. */
    pastWindowsMax: 48,
    pastWindowFirstMs: 60_000,
    pastWindowMaxMs: 3_600_000,
    /** A window with fewer requests speaks together with its neighbour. */
    pastRequestsMin: 2_000,
    /** How often what was gathered is written down; counts since then are the gateway's to tell again. */
    evidenceIntervalMs: 1_000,
    /** How far back it is looked whether a candidate that is worse is broken. */
    recentMs: 10_000,
    pastIntervalMs: 60_000,
  },
  flags: flagLimits,
  store: {
    busyTimeoutMs: 5_000,
    /** The lock is free at once or taken for long; this only evens out two that ask at the same moment. */
    lockWaitMs: 250,
    entriesPerPageMax: 1_000,
    releasesPerPageMax: 1_000,
    /** The write-ahead log is cut back to this after a checkpoint. */
    walBytesMax: 8 * 1024 * 1024,
    /** A write that failed (disk full) is tried again this often while the release waits. */
    retryMs: 1_000,
    retriesMax: 30,
  },
  api: {
    changeCharsMax: 255,
    bodyBytesMax: 1024 * 1024,
    /** Of releases and of logs together. */
    followersMax: 200,
    /** A follower hears this often that control is there, and control that the follower is. */
    heartbeatMs: 1_000,
    followerQueueMax: 10_000,
  },
  accessLog: {
    /** Lines kept until they are written, and their heads: two batches of each per worker. */
    batchRecords: 8_192,
    batchHeadBytes: 4 * 1024 * 1024,
    flushIntervalMs: 100,
    /** Made in one turn of the event loop. */
    linesPerTurn: 128,
    /** How often a worker looks whether the file is too large or was renamed by another one. */
    checkIntervalMs: 1_000,
    fileBytesMax: 50 * 1024 * 1024,
    olderFilesMax: 4,
    tailBytesMax: 8 * 1024 * 1024,
    readBytes: 256 * 1024,
    followIntervalMs: 250,
  },
  traffic: {
    /** What `segue traffic` looks back on, and how finely. */
    windowMs: 10_000,
    sampleIntervalMs: 1_000,
  },
  acme: {
    /** How often it is looked whether a host needs a certificate. */
    lookIntervalMs: 5_000,
    requestTimeoutMs: 30_000,
    /** Questions to the authority whether it is done. */
    pollsMax: 20,
    pollFirstMs: 250,
    pollMaxMs: 10_000,
    /** After a failure; four times longer after each that follows. */
    retryFirstMs: 60_000,
    retryMaxMs: 6 * 3_600_000,
  },
  gateway: gatewayLimits,
  lint: lintLimits,
  direct: {
    connectionsMax: 2_000,
    lineBytesMax: 4 * 1024,
    /** How long a routing waits for an instance to say that it does what it was told. */
    answerTimeoutMs: 2_000,
    /** Instances that another gateway started are not children of this one: their end has to be looked for. */
    adoptedPollIntervalMs: 200,
    /** Counts of instances that changed within this go into one report. */
    changeDelayMs: 5,
    /** A program of Node uses one descriptor each time it begins to accept; after the last one it is started anew. */
    socketCopies: 32,
  },
} as const;
