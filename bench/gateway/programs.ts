/** Programs of the system: whether they are there, started on one core, and ended again. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
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

/** One that runs already, with all its threads. */
export function pin(core: Core, pid: number): void {
  if (canPin && taskset)
    execFileSync(taskset, ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' });
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
    return pid === undefined ? [] : [pid, ...childrenOf(pid)];
  }

  async untilItListens(port: number): Promise<void> {
    const untilMs = performance.now() + PATIENCE_MS;
    while (!(await listens(port))) {
      if (this.#child.exitCode !== null) throw new Error(`${this.#child.spawnfile} ended early`);
      if (performance.now() > untilMs) throw new Error(`nothing listens on ${port}`);
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

/** Clock ticks of the kernel are hundredths of a second wherever this runs. */
const TICK_MS = 10;

/** What these processes have used of the processor so far, in user and kernel mode. */
export function cpuMs(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  });
  return TICK_MS * ticks.reduce((sum, each) => sum + each, 0);
}
