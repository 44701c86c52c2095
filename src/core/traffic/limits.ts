/** The gateway's part of the one table of limits. */
export const gatewayLimits = {
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
  /** Services whose instances go where a routing has them, in one turn of the event loop. */
  servicesAtOnce: 32,
  /** Of messages between master and worker: what is read in one turn of the event loop, if it is more than one. */
  messageCharsPerTurn: 8 * 1024,
  protocolLineBytesMax: 32 * 1024 * 1024,
  reportIntervalMs: 100,
  /** Above what the gateway waits for its workers; what a receipt says is worth a wait on a busy machine. */
  freshReportTimeoutMs: 4_000,
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
  /** Every deadline of a connection is kept to within this. */
  sweepIntervalMs: 250,
  /** A client that ended its side and hears nothing for this long has left, unless its service waits longer. */
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
  /**
   * Held requests on their way to one instance that has not answered since, for this long: all at once would
   * overflow its accept queue, and the system would try again a second later, behind those who came after.
   */
  holdAheadMax: 64,
  holdAheadMs: 500,
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
  /** A worker that does not answer within this hangs, or has lost the machine: the report does without it. */
  workerReportMs: 3_000,
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
  /** Flags and their variants that are counted for one service. */
  flagRowsMax: 1_000,
  /** Variants of flags that are being rolled out, by share and version; those that were used last are kept. */
  flagSharesMax: 200,
  /** Of the header that tells an instance about flags; those that do not fit are left out. */
  flagsLineBytesMax: 8 * 1024,
  flagKeyCharsMax: 256,
  /** How long the gateway's own cookie names a visitor. */
  visitorMaxAgeS: 365 * 86_400,
  /** Visitors whose cookies need not be verified again. */
  visitorsVerifiedMax: 4_096,
  /** Workers that are gone and whose rows are still told apart, so that a control that was away hears of them. */
  goneWorkersMax: 32,
  workerIdCharsMax: 100,
  /** Of a gateway that does not tell its workers apart, how far its rows were counted in. */
  marksOfSumsMax: 512,
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
} as const;
