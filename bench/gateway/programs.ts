/** Programs of the system: whether they are there, started on one core, and ended again. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 10_000;
const POLL_MS = 20;
const SBIN = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Absolute; undefined when it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), ...SBIN];
  return folders.map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file));
}

const taskset = findProgram('taskset');

/** What is measured has a core of its own; what loads it and what answers share the other one. */
export const canPin = taskset !== undefined && os.availableParallelism() >= 2;
export type Core = 0 | 1;

export function pinned(core: Core, program: string, args: readonly string[]): [string, string[]] {
  return canPin && taskset ? [taskset, ['-c', String(core), program, ...args]] : [program, [...args]];
}

const PIN_TRIES = 5;

/** One that runs already, with all its threads; one of those may end meanwhile, which makes taskset fail. */
export function pin(core: Core, pid: number): void {
  if (!canPin || !taskset) return;
  for (let tries = 1; ; tries += 1) {
    const args = ['-a', '-c', '-p', String(core), String(pid)];
    const { status } = spawnSync(taskset, args, { stdio: 'ignore' });
    if (status === 0) return;
    if (tries === PIN_TRIES) throw new Error(`${pid} cannot be pinned to core ${core}`);
  }
}

export class Program {
  readonly #child: ChildProcess;

  constructor(core: Core, program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const [file, all] = pinned(core, program, args);
    this.#child = spawn(file, all, {
      stdio: 'ignore',
      env: { ...process.env, ...env },
    });
  }

  /** Its own and those that it started. */
  get pids(): number[] {
    const { pid } = this.#child;
    return pid === undefined ? [] : withChildren([pid]);
  }

  /** Or it is stopped. */
  async untilItListens(port: number): Promise<void> {
    const untilMs = performance.now() + PATIENCE_MS;
    while (!(await listens(port))) {
      const ended = this.#child.exitCode !== null;
      if (ended || performance.now() > untilMs) {
        await this.stop();
        throw new Error(`${this.#child.spawnargs.join(' ')}: ${ended ? 'ended early' : 'does not listen'}`);
      }
      await sleep(POLL_MS);
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }
}

/** These processes and those that they started. */
export function withChildren(pids: readonly number[]): number[] {
  return pids.flatMap((pid) => [pid, ...withChildren(childrenOf(pid))]);
}

function childrenOf(pid: number): number[] {
  const list = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return list.split(' ').filter(Boolean).map(Number);
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
