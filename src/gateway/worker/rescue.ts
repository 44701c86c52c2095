/**
 * What a worker does about a lost master: the heir starts the next one, with copies of its own sockets, so that
 * nobody ever has to bind what is listened on. The others are workers of the new one as they were of the old.
 */
import { limits } from '../../core/limits.ts';
import { listenOf } from '../../core/listen.ts';
import type { Routing } from '../../core/traffic/routing.ts';
import type { MemberName, ToWorker } from '../../wire/worker-messages.ts';
import { timer } from '../clock.ts';
import type { InheritedSockets } from '../listeners.ts';
import { Successor } from '../master/successor.ts';

export interface RescueOptions {
  readonly self: MemberName;
  readonly masterFile: string;
  readonly log: (line: string) => void;
  readonly sockets: () => InheritedSockets;
  readonly routing: () => Routing | null;
  /** The new master could take over now. */
  readonly onReady: () => void;
}

export class Rescue {
  readonly #options: RescueOptions;
  /** Of the last master. */
  will: Extract<ToWorker, { type: 'heir' }> = { type: 'heir', rank: null, members: [] };
  #waiting: NodeJS.Timeout | undefined;
  #underWay = false;
  #lost = false;
  /** By the master that this worker has now. */
  #ordered = false;

  constructor(options: RescueOptions) {
    this.#options = options;
  }

  masterIsLost(): void {
    this.#lost = true;
    this.#ordered = false;
    this.#await();
  }

  #await(): void {
    const { rank } = this.will;
    if (rank === null || this.#waiting) return;
    const waitMs = limits.gateway.rescueAfterMs + rank * limits.gateway.rescueRankMs;
    this.#waiting = timer(() => {
      this.#waiting = undefined;
      this.#begin();
    }, waitMs);
  }

  masterIsBack(): void {
    this.#lost = false;
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
  }

  /** The master has asked for one that is to follow it. */
  order(): void {
    this.#ordered = true;
    this.#begin();
  }

  #begin(): void {
    if (this.#underWay) return;
    this.#underWay = true;
    void this.#run().finally(() => (this.#underWay = false));
  }

  async #run(): Promise<void> {
    const { self, masterFile, log, routing, onReady } = this.#options;
    log(`worker ${self.id} starts a new master`);
    const now = routing();
    const sockets = [...this.#options.sockets()].map(([key, fd]) => ({
      ...{ listen: listenOf(key), fd, direct: false },
    }));
    const { members } = this.will;
    const order = { routing: now, fence: now?.fence ?? 0, members, afterwards: 'keep' as const };
    const successor = new Successor({ mainFile: masterFile, sockets, ...order });
    let failure = await successor.ready();
    // Somebody else was faster, and has all that it needs.
    if (failure === null && !this.#lost && !this.#ordered) return successor.end();
    if (failure === null) {
      onReady();
      failure = await successor.handOver({ type: 'yours', departed: null });
    }
    if (failure !== null) {
      log(`worker ${self.id} could not start a new master: ${failure}`);
      if (this.#lost || this.#ordered) this.#await();
    }
  }
}
