/** The gateway process: `node src/main/gateway.ts --dir <project folder>`. Started by control, outlives it. */
import fs from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { limits } from '../core/limits.ts';
import { ControlLink } from '../gateway/control-link.ts';
import { DirectDesk } from '../gateway/keeper/desk.ts';
import { Gateway } from '../gateway/gateway.ts';
import { MetricsEndpoint } from '../gateway/metrics/endpoint.ts';
import { exposition } from '../gateway/metrics/exposition.ts';
import { GATEWAY_SOCKET } from '../wire/paths.ts';
import { SEGUE_VERSION } from '../wire/version.ts';

const log = (line: string) => process.stderr.write(`${new Date().toISOString()} gateway ${line}\n`);

const { values } = parseArgs({ options: { dir: { type: 'string' } } });
// The socket's path stays short however deep the project lies.
process.chdir(values.dir ?? '.');
// Only the owner may speak to it.
process.umask(0o077);
// The log may be on a full disk, and whoever read it may be gone: neither ends the traffic.
process.stderr.on('error', () => undefined);
process.stdout.on('error', () => undefined);
process.on('uncaughtException', (error) => log(`unexpected: ${error.stack}`));
process.on('unhandledRejection', (reason) => log(`unexpected: ${String(reason)}`));

let stopping = false;
const stop = async (graceMs: number) => {
  if (stopping) return;
  stopping = true;
  log('stopping');
  link.close();
  metrics.close();
  direct.close();
  await gateway.stop(graceMs);
  log('stopped');
  process.exit(0);
};

const metrics = new MetricsEndpoint(
  () => exposition(gateway.report(), { version: SEGUE_VERSION, workers: 1 }),
  log,
);
const gateway = new Gateway({
  log,
  onReport: (report) => link.report(report),
  onSettings: (settings) => metrics.apply(settings.metrics),
});
const direct = new DirectDesk({
  root: process.cwd(),
  pid: process.pid,
  log,
  onExit: (exit) => link.exited(exit),
  onChange: () => gateway.reportChanges(),
});
const link = new ControlLink(gateway, {
  direct,
  path: GATEWAY_SOCKET,
  pid: process.pid,
  log,
  onStop: (graceMs) => void stop(graceMs),
});

process.on('SIGTERM', () => void stop(limits.gateway.stopGraceMs));
process.on('SIGINT', () => void stop(limits.gateway.stopGraceMs));
// A closed terminal is no reason to stop serving.
process.on('SIGHUP', () => undefined);

try {
  await fs.mkdir(path.dirname(GATEWAY_SOCKET), { recursive: true, mode: 0o700 });
  await link.listen();
  log(`runs, pid ${process.pid}`);
} catch (error) {
  log(`does not run: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
