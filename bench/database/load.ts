/** Clients of an application at a fixed rate, in a process of their own; a wait counts from when it was due. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { ClientConfig } from 'pg';

const CHILD = path.join(import.meta.dirname, 'load-child.ts');

export interface Taken {
  readonly latenciesMs: readonly number[];
  readonly failures: readonly string[];
  readonly forMs: number;
}

export interface LoadOptions {
  readonly config: ClientConfig;
  readonly perSecond: number;
  readonly clients: number;
  readonly statements: readonly string[];
}

export class Load {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Every client is connected then. */
  static async start(options: LoadOptions): Promise<Load> {
    const child = fork(CHILD, [JSON.stringify(options)]);
    await once(child, 'message');
    return new Load(child);
  }

  /** What was measured since the last time. */
  take(): Promise<Taken> {
    return this.#ask('take');
  }

  async stop(): Promise<Taken> {
    const taken = await this.#ask('stop');
    this.#child.disconnect();
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
    return taken;
  }

  async #ask(what: 'take' | 'stop'): Promise<Taken> {
    const answer = once(this.#child, 'message');
    this.#child.send(what);
    const [taken] = await answer;
    return taken;
  }
}
