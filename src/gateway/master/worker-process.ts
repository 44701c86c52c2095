/** Starts a worker: copies of the held sockets from descriptor 3 on, in the order in which they are named to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { HeldSockets } from './held-sockets.ts';

/** 0 to 2 are the standard ones. */
export const WORKER_FIRST_FD = 3;

export interface WorkerOrder {
  readonly id: string;
  /** The file that Node runs, and the one with which the worker would start a master. */
  readonly workerFile: string;
  readonly masterFile: string;
  /** Where it finds its master first; afterwards under the common name. */
  readonly socketPath: string;
  readonly sockets: HeldSockets;
}

/** Null when the system cannot start any process now. */
export function startWorker(order: WorkerOrder): ChildProcess | null {
  const { id, workerFile, masterFile, socketPath, sockets } = order;
  const words = ['--id', id, '--master', masterFile, '--socket', socketPath];
  const listens = sockets.keys.flatMap((key) => ['--listen', key]);
  try {
    return spawn(process.execPath, [...process.execArgv, workerFile, ...words, ...listens], {
      stdio: ['ignore', 'inherit', 'inherit', ...sockets.all.map(({ fd }) => fd)],
      env: environmentOfChildren(),
    });
  } catch {
    return null;
  }
}

/** What the service manager said to this process is not meant for those that it starts (sd_listen_fds(3)). */
export function environmentOfChildren(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LISTEN_')));
}
