/**
 * Starts a program that inherits a public socket, by the systemd convention: LISTEN_FDS=1, the socket as
 * descriptor 3. LISTEN_PID is the program's own number, which only a shell that becomes it can know.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { limits } from '../../core/limits.ts';
import type { LaunchOrder } from '../../wire/direct-messages.ts';

export interface StartedProcess {
  readonly pid: number;
  /** In clock ticks after boot, as /proc has it: it tells the process from a later one with its number. */
  readonly start: string;
}

const BECOME = 'LISTEN_PID=$$ exec "$0" "$@"';

/** Throws what the system says when it cannot be started. */
export async function startWithSocket(
  order: Pick<LaunchOrder, 'file' | 'args' | 'dir' | 'env' | 'logFile'>,
  fd: number,
  keeperPath: string,
): Promise<{ readonly child: ChildProcess; readonly started: StartedProcess }> {
  const copies = limits.direct.socketCopies;
  const env = {
    ...order.env,
    LISTEN_FDS: '1',
    LISTEN_FDNAMES: 'segue',
    SEGUE_DIRECT: keeperPath,
    SEGUE_DIRECT_COPIES: String(copies),
  };
  const log = openSync(order.logFile, 'a', 0o600);
  let child: ChildProcess;
  try {
    child = spawn('/bin/sh', ['-c', BECOME, order.file, ...order.args], {
      ...{ cwd: order.dir, env, detached: true },
      stdio: ['ignore', log, log, ...Array.from({ length: copies }, () => fd)],
    });
  } finally {
    closeSync(log);
  }
  // Before the event loop turns: a child that has ended by now is a zombie at most, and can still be read.
  const start = child.pid === undefined ? '' : startOf(child.pid);
  await once(child, 'spawn');
  child.unref();
  return { child, started: { pid: child.pid ?? 0, start } };
}

/** False for one that has ended and waits to be looked at (zombie), and for a later one with its number. */
export function isRunning({ pid, start }: StartedProcess): boolean {
  const fields = statOf(pid);
  return fields[19] === start && !['Z', 'X'].includes(fields[0] ?? 'X');
}

/** Field 22 of proc_pid_stat(5), as `start` in /proc's own ticks. */
function startOf(pid: number): string {
  return statOf(pid)[19] ?? '';
}

/** From field 3, the state, on; the name before it may contain anything. */
function statOf(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
