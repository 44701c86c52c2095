import { databaseLimits, lintLimits } from './database/limits.ts';
import { schemaLimits } from './release/schema-limits.ts';

/** Every bound in the project, in one place: what may queue, wait, grow or be tried again, and how far. */
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
  gateway: {
    http2: {
      /** Of one client's connection. */
      streamsPerSessionMax: 128,
      /** Of all connections of a worker; past it streams are refused, which clients may repeat. */
      streamsMax: 20_000,
      sessionMemoryMb: 10,
      sessionWindowBytes: 1024 * 1024,
      /** What a stream may cost whose bytes nobody takes. */
      streamWindowBytes: 64 * 1024,
      /** Streams that a client may give up: at once, and then in a second. Past it the connection ends. */
      resetsBurst: 200,
      resetsPerSecond: 50,
    },
    tls: {
      fileBytesMax: 1024 * 1024,
      /** How often the files of certificates are looked at. */
      checkIntervalMs: 2_000,
      handshakeTimeoutMs: 10_000,
      /** Under way at once on one address. */
      handshakesMax: 1_000,
      /** A key makes tickets for so long, and its tickets are taken for as long again. */
      ticketKeyForMs: 24 * 3_600_000,
      /** The next key is made so long before its time, so that every worker knows it. */
      ticketKeyAheadMs: 60_000,
    },
    /** Of the file that says where clients are. */
    geo: {
      /** Each worker has it in memory. */
      fileBytesMax: 256 * 1024 * 1024,
      checkIntervalMs: 2_000,
      /** What of it is looked through in one turn of the event loop. */
      nodesPerTurn: 4_096,
      /** Records whose country need not be read again. */
      recordsKnownMax: 8_192,
    },
    /** Services and instances in one part of a routing: what is read in one turn of the event loop. */
    routingPartSize: 128,
    /** Of messages between master and worker: what is read in one turn of the event loop, if it is more than one. */
    messageCharsPerTurn: 8 * 1024,
    protocolLineBytesMax: 32 * 1024 * 1024,
    reportIntervalMs: 100,
    freshReportTimeoutMs: 500,
    /** Long enough for workers to start, and for one that hangs to be found out. */
    ackTimeoutMs: 15_000,
    startTimeoutMs: 10_000,
    headBytesMax: 32 * 1024,
    headFieldsMax: 200,
    methodBytesMax: 32,
    targetBytesMax: 16 * 1024,
    /** In all chunks of one body together: they are dropped, and should not cost work without end. */
    chunkExtensionBytesMax: 4 * 1024,
    trailerBytesMax: 8 * 1024,
    /** Of a request's body that is kept until an instance takes it. */
    bodyBacklogBytesMax: 64 * 1024,
    /** A body up to this size leaves in one write with its head. */
    bodyWithHeadBytesMax: 8 * 1024,
    /** 1xx responses to one request. */
    informationMax: 16,
    upstreamReadBytes: 128 * 1024,
    clientReadBytes: 64 * 1024,
    /** What a client sends at once and is more than this is not copied. */
    clientCopyBytesMax: 32 * 1024,
    /** Every deadline of a connection is kept to within this. */
    sweepIntervalMs: 250,
    /** A client that ended its side and hears nothing for this long has left. */
    halfClosedMs: 1_000,
    headTimeoutMs: 20_000,
    clientIdleTimeoutMs: 75_000,
    upstreamConnectTimeoutMs: 2_000,
    upstreamIdlePerInstanceMax: 256,
    /** Below the shortest idle limit seen in common servers (2 s), unless the instance names its own. */
    upstreamIdleTimeoutMs: 1_500,
    /** Cookies of ours with the same name in one request: others may set some for a domain around. */
    stickyCookiesMax: 4,
    /** Sessions of one service whose cookies need not be verified again. */
    stickyVerifiedMax: 4_096,
    /** Tags of versions and instances that are remembered for cookies. */
    stickyTagsMax: 20_000,
    connectionsMax: 10_000,
    /** Connections that the system completes before they are taken; it has a bound of its own (somaxconn). */
    acceptQueueMax: 4_096,
    /** Half of what V8 gives to new objects. */
    semiSpaceMegabytes: 4,
    /** However few descriptors the process may have. */
    connectionsMin: 16,
    /** Descriptors for listeners, control, logs and new connections on their way. */
    descriptorsKept: 64,
    /** A connection that is idle for less than this gives way to nobody. */
    idleGraceMs: 500,
    /** Room above the limit of clients, in which an idle one is told to go or the new one why it must. */
    connectionsOverMax: 32,
    triesPerRequestMax: 3,
    /** Replays allowed per 100 requests of a service, so that a bad moment is not multiplied. */
    replayBudgetPercent: 20,
    replayBudgetMin: 10,
    heldRequestsMax: 10_000,
    /** Of their heads and what may be kept of their bodies while they wait. */
    heldBytesMax: 256 * 1024 * 1024,
    /** With held requests and backends that refused them, one request asks again this often. */
    holdRetryIntervalMs: 50,
    /** Held requests let go in one turn of the event loop, so that an instance's accept queue does not overflow. */
    holdReleaseBatch: 64,
    /** A request that must not be replayed uses a kept connection only this soon after its last response. */
    unsafeReuseIdleMs: 100,
    replayWindowMs: 10_000,
    /** Copies of one service's requests under way at once, and what each may keep of a body. */
    shadowsMax: 64,
    shadowBodyBytesMax: 16 * 1024,
    /** What is read of a copy's answer. */
    shadowAnswerBytesMax: 4 * 1024 * 1024,
    /** A copy is called slower when it took twice as long and at least so much longer. */
    shadowSlowerMs: 5,
    /** Candidates of one service whose comparison is kept. */
    shadowTalliesMax: 16,
    /** An instance is also put out when this share of its requests fails, once there were enough to say so. */
    ejectionFailuresPercent: 50,
    ejectionRequestsMin: 20,
    ejectionWindowMs: 10_000,
    /** Each time it is put out doubles the time, so often, until it was well for so long. */
    ejectionDoublingsMax: 4,
    ejectionForgetMs: 120_000,
    /** Of those of one version, and never the last one. */
    ejectedPercentMax: 50,
    /** A client that neither reads nor sends for this long while it is its turn. */
    clientStallTimeoutMs: 60_000,
    /** A body that comes more slowly for longer than its timeout only keeps an instance busy. */
    bodyBytesPerSecondMin: 500,
    /** After a response that came before the end of its request body: how long the rest is thrown away. */
    lingerMs: 2_000,
    /** Streams of a draining instance are told to reconnect within this, evenly spread. */
    drainSpreadMs: 2_000,
    drainTickMs: 10,
    /** The same for the streams of a gateway's worker that goes; those that do not go by themselves are cut. */
    retireSpreadMs: 10_000,
    retireStreamsMs: 600_000,
    workersMax: 64,
    /** One core is left for the instances; more workers than this only by the file. */
    workersByDefaultMax: 4,
    /** Of older generations; the eldest is asked to end its connections, and in the end told to. */
    drainingWorkersMax: 16,
    workerTickMs: 1_000,
    /** A worker that reports ten times a second and was silent for so many ticks hangs. */
    workerSilentTicksMax: 8,
    workerReportMs: 400,
    workerStopMs: 2_000,
    /** A worker that lived this long is replaced at once when it ends; others ever later. */
    workerSettledMs: 5_000,
    workerBackoffFirstMs: 100,
    workerBackoffMaxMs: 5_000,
    /** Workers of an earlier master come to the next one within this. */
    rejoinMs: 5_000,
    rejoinPauseMs: 50,
    /** How long a lost master is missed before the heir starts one, and the next in rank after it. */
    rescueAfterMs: 1_000,
    rescueRankMs: 5_000,
    /** A new master that does not serve by then is given up. */
    upgradeTimeoutMs: 20_000,
    /** A response of gRPC that is still open so long after its head is a stream. */
    callIsStreamAfterMs: 1_000,
    /** After a client's close frame: how long the instance may take to end its side. */
    tunnelCloseMs: 1_000,
    /** Failed requests that are told one by one between two reports; of more, the oldest are only counted. */
    failureEventsMax: 1_024,
    /** Older routings whose requests under way are told apart. */
    runningRoutingsMax: 256,
    /** Weights under which a service's requests are counted apart; the rows of the oldest are given up. */
    assignedRowsMax: 256,
    /** Counts of instances that left the routing are kept this long, and for so many. */
    goneInstancesForMs: 600_000,
    goneInstancesMax: 1_000,
    /** In one turn of the event loop. */
    forgottenAtOnceMax: 1_000,
    /** Services that left the routing and whose totals go on where they were when they come back. */
    goneServicesMax: 1_000,
    /** Instances with series of their own in the metrics: the busiest ones. */
    metricsInstancesMax: 2_000,
    metricsRetryMs: 1_000,
    metricsConnectionsMax: 16,
    controlConnectionsMax: 16,
    /** A control that does not read: past this, reports are left out. */
    controlBacklogBytesMax: 4 * 1024 * 1024,
    /** How long requests under way may take after SIGTERM. */
    stopGraceMs: 10_000,
    reconnectFirstMs: 50,
    reconnectMaxMs: 2_000,
    startPollIntervalMs: 10,
  },
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
