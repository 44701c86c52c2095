/**
 * The gateway's master: `node src/main/gateway.ts --dir <project folder>`, or `--follow` when it takes over from
 * another one. Started by control, by the service manager with its sockets, or by the gateway that it follows;
 * outlives them all.
 */
import fsSync from 'node:fs';
import fs from 'node:fs/promises';
import { flushCompileCache } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { limits } from '../core/limits.ts';
import { DirectDesk } from '../gateway/keeper/desk.ts';
import { givenSockets } from '../gateway/master/activation.ts';
import { ControlLink } from '../gateway/master/control-link.ts';
import { MetricsEndpoint } from '../gateway/metrics/endpoint.ts';
import { exposition } from '../gateway/metrics/exposition.ts';
import { HeldSockets } from '../gateway/master/held-sockets.ts';
import { Master } from '../gateway/master/master.ts';
import { followOn } from '../gateway/master/predecessor.ts';
import { answers, PublishedSocket } from '../gateway/master/published-socket.ts';
import { SnapshotFile } from '../gateway/master/snapshot-file.ts';
import { Starts } from '../gateway/master/starts.ts';
import { GATEWAY_PID, GATEWAY_SOCKET, ROUTING_FILE, WORKERS_SOCKET } from '../wire/paths.ts';
import { SUCCESSION_FIRST_FD } from '../wire/succession-messages.ts';
import { SEGUE_VERSION } from '../wire/version.ts';
import { entryFile } from './entry.ts';
import { gatewayLog, surviveAll } from './gateway-process.ts';

const { pid } = process;
const log = gatewayLog('gateway');
surviveAll(log);
const { values } = parseArgs({
  options: { dir: { type: 'string', default: '.' }, follow: { type: 'boolean', default: false } },
});
// The sockets' paths stay short however deep the project lies.
process.chdir(values.dir);

const sockets = new HeldSockets(givenSockets(process.env, pid));
const workersSocket = new PublishedSocket(WORKERS_SOCKET, pid, (socket) => master.crew.accept(socket));
const starts = new Starts({
  workerFile: entryFile('gateway-worker'),
  masterFile: entryFile('gateway'),
  pid,
  sockets,
  socketPath: () => workersSocket.path,
  log,
});
const master = new Master({
  sockets,
  starts,
  directSockets: () => direct.sockets,
  snapshot: new SnapshotFile(ROUTING_FILE, log),
  // One core for the instances.
  workers: Math.max(1, Math.min(limits.gateway.workersByDefaultMax, os.availableParallelism() - 1)),
  log,
  onReport: (report) => link.report(report),
  onSettings: (settings) => metrics.apply(settings.metrics),
  isSuperseded: () => published && !link.ours,
  onFollowed: () => {
    log('is followed by another one');
    letGo();
    metrics.close();
    direct.close();
    process.exit(0);
  },
});
const metrics = new MetricsEndpoint(async () => {
  const report = await master.freshReport();
  return exposition(report, { version: SEGUE_VERSION, workers: master.workers.length });
}, log);
const direct = new DirectDesk({
  root: process.cwd(),
  pid,
  log,
  onExit: (exit) => link.exited(exit),
  onChange: () => master.reportNow(),
});
const link = new ControlLink(master, {
  direct,
  path: GATEWAY_SOCKET,
  pid,
  log,
  onStop: (graceMs) => void stop(graceMs, true),
});

function letGo(): void {
  link.close();
  workersSocket.close();
}

let published = false;
function publish(): void {
  fsSync.writeFileSync(`${GATEWAY_PID}.${pid}`, `${pid}\n`);
  fsSync.renameSync(`${GATEWAY_PID}.${pid}`, GATEWAY_PID);
  workersSocket.publish();
  link.publish();
  published = true;
}

let stopping = false;
async function stop(graceMs: number, forGood: boolean): Promise<void> {
  if (stopping) return;
  stopping = true;
  log('stopping');
  link.close();
  metrics.close();
  direct.close();
  await master.stop(graceMs, forGood);
  await fs.rm(GATEWAY_PID, { force: true });
  letGo();
  log('stopped');
  process.exit(0);
}

process.on('SIGTERM', () => void stop(limits.gateway.stopGraceMs, false));
process.on('SIGINT', () => void stop(limits.gateway.stopGraceMs, false));

/** Serves first and takes the names then, so that there is always one who can be found. */
async function follow(): Promise<void> {
  const { order, ready, here } = await followOn(process);
  const { routing, fence, members, afterwards } = order;
  order.sockets.forEach(({ host, port, direct: shared }, index) => {
    (shared ? direct : sockets).inherit({ host, port }, SUCCESSION_FIRST_FD + index);
  });
  if (afterwards === 'retire') await master.takeUp(routing, fence);
  const departed = await ready();
  if (departed) master.inherit(departed);
  master.crew.expect(members, afterwards);
  if (afterwards === 'keep') void master.takeUp(routing, fence);
  publish();
  here();
}

async function begin(): Promise<void> {
  if (await answers(GATEWAY_SOCKET)) throw new Error(`another gateway runs on ${GATEWAY_SOCKET}`);
  publish();
  await master.restore();
}

try {
  await fs.mkdir(path.dirname(GATEWAY_SOCKET), { recursive: true, mode: 0o700 });
  await workersSocket.listen();
  await link.listen();
  if (values.follow) await follow();
  else await begin();
  log(`runs, pid ${pid}`);
  // Now, for it may be killed: the next one starts in half the time.
  flushCompileCache();
} catch (error) {
  log(`does not run: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
