/** Copies of the application started by hand, as one would without Segue: the base line of its figures. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { somePort } from '../../test/contract/some-port.ts';

const POLL_MS = 5;
const PATIENCE_MS = 30_000;

interface Copy {
  readonly child: ChildProcess;
  readonly port: number;
}

export class Copies {
  readonly #copies: readonly Copy[];
  /** From the start of the first process to the first answer of any copy, and to the first one of the last. */
  readonly firstAnswerMs: number;
  readonly allAnswerMs: number;

  private constructor(copies: readonly Copy[], answersMs: readonly number[]) {
    this.#copies = copies;
    this.firstAnswerMs = Math.min(...answersMs);
    this.allAnswerMs = Math.max(...answersMs);
  }

  /** All at once; resolves when each of them answers. */
  static async start(dir: string, count: number): Promise<Copies> {
    const ports = await freePorts(count);
    const beganMs = performance.now();
    const copies = ports.map((port) => ({ port, child: startCopy(dir, port) }));
    const answersMs = await Promise.all(
      copies.map(async (copy) => {
        await firstAnswer(copy, beganMs + PATIENCE_MS);
        return performance.now() - beganMs;
      }),
    );
    return new Copies(copies, answersMs);
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#copies.map(async ({ child }) => {
        const exited = once(child, 'exit');
        if (child.kill('SIGTERM')) await exited;
      }),
    );
  }
}

function startCopy(dir: string, port: number): ChildProcess {
  return spawn(process.execPath, ['server.mjs'], {
    cwd: dir,
    env: { PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function firstAnswer({ port, child }: Copy, deadlineMs: number): Promise<void> {
  while (!(await answers(port))) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error('a copy of the app ended early');
    if (performance.now() > deadlineMs) throw new Error('a copy of the app does not answer');
    await sleep(POLL_MS);
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request({ host: '127.0.0.1', port, agent: false }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode === 200));
    });
    call.once('error', () => resolve(false));
    call.end();
  });
}

async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await somePort());
  return [...ports];
}
