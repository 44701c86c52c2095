/** Clients of an application at a fixed rate, in a thread of their own; a wait counts from when it was due. */
import { Worker } from 'node:worker_threads';
import type { ClientConfig } from 'pg';

export interface Taken {
  readonly latenciesMs: readonly number[];
  readonly failures: readonly string[];
}

export interface LoadOptions {
  readonly config: ClientConfig;
  readonly perSecond: number;
  readonly clients: number;
  readonly statements: readonly string[];
}

export class Load {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  static async start(options: LoadOptions): Promise<Load> {
    const worker = new Worker(new URL('./load-worker.ts', import.meta.url), { workerData: options });
    await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    return new Load(worker);
  }

  /** What was measured since the last time. */
  take(): Promise<Taken> {
    return this.#ask('take');
  }

  async stop(): Promise<Taken> {
    const taken = await this.#ask('stop');
    await this.#worker.terminate();
    return taken;
  }

  #ask(what: 'take' | 'stop'): Promise<Taken> {
    return new Promise((resolve) => {
      this.#worker.once('message', resolve);
      this.#worker.postMessage(what);
    });
  }
}
