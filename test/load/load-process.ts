/** The same load in a process of its own, so that making it does not slow what is measured. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { LOAD_LIMITS, type LoadOptions } from './options.ts';
import { isFromChild, type ToChild } from './process-messages.ts';
import type { Load, Snapshot, Summary } from './summary.ts';

export async function startLoadProcess(options: LoadOptions): Promise<Load> {
  const child = fork(new URL('./load-child.ts', import.meta.url), { execArgv: [] });
  const remote = new RemoteLoad(child);
  await remote.start(options);
  return remote;
}

class RemoteLoad implements Load {
  readonly #child: ChildProcess;
  readonly #up = Promise.withResolvers<void>();
  readonly #summary = Promise.withResolvers<Summary>();
  readonly #marks: (() => void)[] = [];
  #last: Snapshot | null = null;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message) => this.#onMessage(message));
    child.on('exit', (code, signal) => this.#onExit(`the load process ended early (${signal ?? code})`));
    child.on('error', (error) => this.#onExit(error.message));
    // Whoever waits hears of it; nobody has to wait.
    this.#summary.promise.catch(() => undefined);
  }

  async start(options: LoadOptions): Promise<void> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), LOAD_LIMITS.processStartMs);
    this.#send({ type: 'start', options });
    await this.#up.promise.finally(() => clearTimeout(timer));
  }

  stats(): Snapshot {
    if (!this.#last) throw new Error('the load has not begun');
    return this.#last;
  }

  async mark(name: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#marks.push(resolve);
    this.#send({ type: 'mark', name });
    await Promise.race([promise, this.#summary.promise]);
  }

  async stop(): Promise<Summary> {
    this.#send({ type: 'stop' });
    const summary = await this.#summary.promise;
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    return summary;
  }

  #send(message: ToChild): void {
    if (this.#child.connected) this.#child.send(message);
  }

  #onMessage(message: unknown): void {
    if (!isFromChild(message)) return;
    switch (message.type) {
      case 'marked':
        return this.#marks.shift()?.();
      case 'stats':
        this.#last = message.snapshot;
        return this.#up.resolve();
      case 'summary':
        this.#last = message.summary;
        return this.#summary.resolve(message.summary);
    }
  }

  #onExit(why: string): void {
    this.#up.reject(new Error(why));
    this.#summary.reject(new Error(why));
  }
}
