/**
 * A worker of the gateway: `node src/main/gateway-worker.ts --id ID --master FILE --socket PATH --listen ADDRESS...`,
 * started by its master with the sockets of these addresses as descriptors from 3 on. Runs in the project's folder.
 */
import { flushCompileCache } from 'node:module';
import { parseArgs } from 'node:util';
import { limits } from '../core/limits.ts';
import { WORKER_FIRST_FD } from '../gateway/master/worker-process.ts';
import { Worker } from '../gateway/worker/worker.ts';
import { WORKERS_SOCKET } from '../wire/paths.ts';
import { gatewayLog, surviveAll } from './gateway-process.ts';

const { values } = parseArgs({
  options: {
    id: { type: 'string', default: '' },
    master: { type: 'string', default: '' },
    socket: { type: 'string', default: WORKERS_SOCKET },
    listen: { type: 'string', multiple: true, default: [] },
  },
});
const log = gatewayLog(`worker ${values.id}`);
surviveAll(log);

const worker = new Worker({
  id: values.id,
  pid: process.pid,
  inherited: new Map(values.listen.map((key, index) => [key, WORKER_FIRST_FD + index])),
  masterFile: values.master,
  firstPath: values.socket,
  path: WORKERS_SOCKET,
  log,
  onEnd: () => process.exit(0),
});
process.on('SIGTERM', () => void worker.stop(limits.gateway.stopGraceMs));
// Ctrl-C in a terminal goes to all of its processes: the master decides.
process.on('SIGINT', () => undefined);
// Before there is traffic that it could hold up.
flushCompileCache();
worker.start();
