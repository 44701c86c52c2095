/**
 * Starts the master that is to follow, with copies of the held sockets, and waits until it can serve. If it cannot,
 * it is ended and everything stays as it was (loss table, row 13). Used by a master that is upgraded and by a
 * worker whose master was lost.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { limits } from '../../core/limits.ts';
import type { Listen } from '../../core/project.ts';
import {
  fromSuccessor,
  SUCCESSION_PROTOCOL,
  type TakeOver,
  type ToSuccessor,
} from '../../wire/succession-messages.ts';
import { timer } from '../clock.ts';
import { environmentOfChildren } from './worker-process.ts';

export interface SuccessionSocket {
  readonly listen: Listen;
  readonly fd: number;
  readonly direct: boolean;
}

export interface SuccessionOrder extends Omit<TakeOver, 'type' | 'protocol' | 'sockets'> {
  readonly mainFile: string;
  readonly sockets: readonly SuccessionSocket[];
}

export class Successor {
  readonly #child: ChildProcess;
  readonly #ready: Promise<string | null>;

  constructor({ mainFile, sockets, ...order }: SuccessionOrder) {
    const stdio = ['ignore', 'inherit', 'inherit', 'ipc', ...sockets.map(({ fd }) => fd)] as const;
    this.#child = spawn(process.execPath, [...process.execArgv, mainFile, '--follow'], {
      detached: true,
      stdio: [...stdio],
      env: environmentOfChildren(),
    });
    this.#ready = this.#untilReady();
    const listens = sockets.map(({ listen, direct }) => ({ ...listen, direct }));
    this.#send({ type: 'take-over', protocol: SUCCESSION_PROTOCOL, sockets: listens, ...order });
  }

  /** Resolves to null when it can serve, else to why not; then it has ended, or been ended. */
  async ready(): Promise<string | null> {
    const failure = await this.#ready;
    if (failure !== null) this.end();
    return failure;
  }

  /** It is not needed. */
  end(): void {
    this.#child.kill('SIGKILL');
  }

  /** It is the master from now on. Resolves to null when it is found under the common names, else to why not. */
  handOver(message: Extract<ToSuccessor, { type: 'yours' }>): Promise<string | null> {
    const child = this.#child;
    const published = new Promise<string | null>((resolve) => {
      child.once('exit', () => resolve('it ended when it was to take over'));
      child.on('message', (raw) => {
        if (fromSuccessor.safeParse(raw).data?.type === 'here') resolve(null);
      });
    });
    this.#send(message);
    child.unref();
    return published;
  }

  /** One that is gone is found out by its exit. */
  #send(message: ToSuccessor): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  #untilReady(): Promise<string | null> {
    return new Promise((resolve) => {
      const child = this.#child;
      const { upgradeTimeoutMs } = limits.gateway;
      const late = timer(
        () => settle(`it was not ready within ${upgradeTimeoutMs / 1_000} s`),
        upgradeTimeoutMs,
      );
      const settle = (failure: string | null) => {
        clearTimeout(late);
        resolve(failure);
      };
      child.on('error', (error) => settle(error.message));
      child.once('exit', (code, signal) => settle(`it ended (${signal ?? `exit code ${code ?? '?'}`})`));
      child.on('message', (raw) => {
        const said = fromSuccessor.safeParse(raw);
        if (!said.success) settle('it said something that was not understood');
        else settle(said.data.type === 'failed' ? said.data.reason : null);
      });
    });
  }
}
