/**
 * Starts workers, and waits longer each time when they end soon: a program that cannot run must not take the
 * machine with it.
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { limits } from '../../core/limits.ts';
import type { MemberName } from '../../wire/worker-messages.ts';
import { monotonicMs, timer } from '../clock.ts';
import type { HeldSockets } from './held-sockets.ts';
import { startWorker } from './worker-process.ts';

export interface StartsOptions {
  readonly workerFile: string;
  readonly masterFile: string;
  readonly pid: number;
  readonly sockets: HeldSockets;
  /** Where workers find this master now. */
  readonly socketPath: () => string;
  readonly log: (line: string) => void;
}

interface Starting {
  readonly child: ChildProcess;
  readonly late: NodeJS.Timeout;
}

export class Starts {
  readonly #options: StartsOptions;
  /** Not connected yet. */
  readonly #starting = new Map<string, Starting>();
  #count = 0;
  #failuresInARow = 0;
  #lastStartMs = -Infinity;
  #notBeforeMs = -Infinity;
  #waiting: NodeJS.Timeout | undefined;
  /** A worker that was started is gone before it came. */
  onEnded: (id: string) => void = () => undefined;

  constructor(options: StartsOptions) {
    this.#options = options;
  }

  /** Now, or as soon as the pause after a failure is over. */
  whenDue(count: number, start: () => void, later: () => void): void {
    if (count <= 0) return;
    const waitMs = this.#notBeforeMs - monotonicMs();
    if (waitMs <= 0) for (let i = 0; i < count; i += 1) start();
    else
      this.#waiting ??= timer(() => {
        this.#waiting = undefined;
        later();
      }, waitMs);
  }

  start(): MemberName | null {
    const { pid, socketPath, log, ...files } = this.#options;
    this.#count += 1;
    // Unlike any other for good: by it, counts of one process are told from those of a later one.
    const id = `${pid}.${this.#count}.${randomBytes(4).toString('hex')}`;
    const child = startWorker({ ...files, id, socketPath: socketPath() });
    this.#lastStartMs = monotonicMs();
    if (!child) {
      this.lost(false);
      return null;
    }
    const late = timer(() => {
      log(`worker ${id} does not come up: killed`);
      child.kill('SIGKILL');
    }, limits.gateway.startTimeoutMs);
    this.#starting.set(id, { child, late });
    child.once('error', (error) => {
      log(`worker ${id}: ${error.message}`);
      this.#ended(id);
    });
    child.once('exit', () => this.#ended(id));
    return { id, pid: child.pid ?? 0 };
  }

  joined(id: string): void {
    clearTimeout(this.#starting.get(id)?.late);
    this.#starting.delete(id);
  }

  /** One that should serve is gone. The first is replaced at once; `served`: it had come up. */
  lost(served: boolean): void {
    const { workerSettledMs, workerBackoffFirstMs, workerBackoffMaxMs } = limits.gateway;
    const settled = served && monotonicMs() - this.#lastStartMs > workerSettledMs;
    this.#failuresInARow = settled ? 0 : this.#failuresInARow + 1;
    const doublings = this.#failuresInARow - 2;
    const waitMs = doublings < 0 ? 0 : Math.min(workerBackoffMaxMs, workerBackoffFirstMs * 2 ** doublings);
    this.#notBeforeMs = monotonicMs() + waitMs;
  }

  /** Those that are not there yet never will be. */
  stop(): void {
    clearTimeout(this.#waiting);
    for (const { child, late } of this.#starting.values()) {
      clearTimeout(late);
      child.kill('SIGKILL');
    }
    this.#starting.clear();
  }

  #ended(id: string): void {
    if (!this.#starting.has(id)) return;
    this.joined(id);
    this.onEnded(id);
  }
}
