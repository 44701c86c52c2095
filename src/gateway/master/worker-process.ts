/** Starts a worker: copies of the held sockets from descriptor 3 on, in the order in which they are named to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { HeldSockets } from './held-sockets.ts';

/** 0 to 2 are the standard ones. */
export const WORKER_FIRST_FD = 3;

/**
 * What a request leaves behind is gone with the request, so little is left to look at when a worker collects its
 * young objects: a fifth of a millisecond, as long as nobody else is asked. Helping threads have to be woken and
 * waited for, which takes longer than the work, and milliseconds where the cores are busy, as they are under load.
 */
const COLLECTS_ALONE = ['--no-parallel-scavenge', '--no-concurrent-array-buffer-sweeping'];

/**
 * A request passes some sixty small functions in a row. V8 stops putting them into one another at a size that suits
 * programs in which most code is cold; here all of it is hot, and a tenth of a request's processor time was calls.
 */
const INLINES_MORE = ['--max-inlined-bytecode-size=1500', '--max-inlined-bytecode-size-cumulative=4000'];

const WORKER_WORDS = [...COLLECTS_ALONE, ...INLINES_MORE];

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
    return spawn(process.execPath, [...nodeWords(), workerFile, ...words, ...listens], {
      stdio: ['ignore', 'inherit', 'inherit', ...sockets.all.map(({ fd }) => fd)],
      env: environmentOfChildren(),
    });
  } catch {
    return null;
  }
}

/** A worker may start a master, and that one workers: what is said twice would be said ever more often. */
function nodeWords(): string[] {
  return [...process.execArgv.filter((word) => !WORKER_WORDS.includes(word)), ...WORKER_WORDS];
}

/** What the service manager said to this process is not meant for those that it starts (sd_listen_fds(3)). */
export function environmentOfChildren(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LISTEN_')));
}
