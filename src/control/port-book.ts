import { SegueError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Ledger } from './ledger.ts';

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Hands out ports for instances: in turn, never one that is in use or was promised a moment ago. */
export class PortBook {
  readonly #runtime: Runtime;
  readonly #ledger: Ledger;
  readonly #range: () => Range;
  readonly #promised = new Set<number>();
  #next: number;

  /** `start` spreads the projects of one machine over the range, so that they seldom meet. */
  constructor(runtime: Runtime, ledger: Ledger, range: () => Range, start: number) {
    this.#runtime = runtime;
    this.#ledger = ledger;
    this.#range = range;
    this.#next = start;
  }

  /** The port is the caller's until `release`, which it calls once an instance's record holds it. */
  async take(): Promise<number> {
    const { from, to } = this.#range();
    const size = to - from + 1;
    for (let tries = 0; tries < Math.min(size, limits.runtime.portTriesMax); tries += 1) {
      const port = from + (this.#next++ % size);
      if (this.#isTaken(port)) continue;
      this.#promised.add(port);
      if (await this.#runtime.portIsFree(port)) return port;
      this.#promised.delete(port);
    }
    throw new SegueError('NO_PORT_FREE', `Tried ports ${from} to ${to}.`);
  }

  release(port: number): void {
    this.#promised.delete(port);
  }

  /** Asked anew for each port: while another one was tried, this one may have gone to somebody else. */
  #isTaken(port: number): boolean {
    return this.#promised.has(port) || this.#ledger.instances.some((i) => i.port === port);
  }
}
