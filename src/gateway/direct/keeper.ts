/**
 * Direct mode: keeps the public sockets that instances share with no proxy in between, and never listens on them
 * itself. It starts the instances, because a descriptor comes from a parent only, and carries a routing out by
 * telling each of them to accept or to stop. A routing is in force when all of them said so (R1, R2, R4).
 */
import type { Listen } from '../../core/project.ts';
import { limits } from '../../core/limits.ts';
import type { ServiceRouting } from '../../core/traffic/routing.ts';
import type { Occupant } from './seat.ts';
import { Seats } from './seats.ts';
import { type StartedProcess, type StartOrder, startWithSocket } from './start-instance.ts';

export interface LaunchOrder extends StartOrder {
  readonly id: string;
  readonly service: string;
  readonly version: string;
  readonly tokenHash: string;
  readonly listen: Listen;
}

export interface DirectExit {
  readonly id: string;
  readonly pid: number;
  readonly code: number | null;
  readonly signal: string | null;
}

export interface DirectKeeperOptions {
  /** The unix socket for the instances: as we reach it, and as one that starts in `dir` does. */
  readonly path: string;
  readonly pathFrom: (dir: string) => string;
  readonly pid: number;
  readonly log: (line: string) => void;
  /** The descriptor of the socket that is bound to the address. Throws when it cannot be bound. */
  readonly socketOf: (listen: Listen) => number;
  readonly onExit: (exit: DirectExit) => void;
  /** Counts have changed. */
  readonly onChange: () => void;
}

export interface DirectCounts {
  readonly service: string;
  readonly instance: string;
  readonly version: string;
  readonly inFlight: number;
  readonly streams: number;
}

export class DirectKeeper {
  readonly #options: DirectKeeperOptions;
  readonly #seats: Seats;
  readonly #waiting = new Set<() => void>();

  constructor(options: DirectKeeperOptions) {
    this.#options = options;
    const { path, pid, log } = options;
    this.#seats = new Seats({ path, pid, log, onChange: () => this.#changed() });
  }

  listen(): Promise<void> {
    return this.#seats.listen();
  }

  async launch(order: LaunchOrder): Promise<StartedProcess> {
    const { socketOf, pathFrom, onExit } = this.#options;
    const { id } = order;
    const { child, started } = await startWithSocket(order, socketOf(order.listen), pathFrom(order.dir));
    const { pid } = started;
    this.#seats.add({ ...order, pid });
    child.once('exit', (code, signal) => {
      this.#seats.remove({ id, pid });
      onExit({ id, pid, code, signal });
    });
    return started;
  }

  /** Instances that an earlier keeper started, with what it knew of them. */
  adopt(occupants: readonly Occupant[]): void {
    for (const occupant of occupants) this.#seats.add(occupant);
  }

  get occupants(): readonly Occupant[] {
    return this.#seats.all.map((seat) => seat.occupant);
  }

  /**
   * Resolves when every instance that can be asked does what the routing says. One that does not answer in time
   * is named in the log and still counts as busy: nobody takes it for drained (R8).
   */
  async apply(services: readonly Pick<ServiceRouting, 'backends'>[]): Promise<void> {
    const accepting = new Set(services.flatMap(({ backends }) => backends.map(({ id }) => id)));
    for (const seat of this.#seats.all) seat.order(accepting.has(seat.occupant.id) ? 'accept' : 'release');
    await this.#settled();
    for (const seat of this.#seats.all)
      if (!seat.isSettled) this.#options.log(`direct: ${seat.occupant.id} did not answer "${seat.duty}"`);
  }

  get counts(): readonly DirectCounts[] {
    return this.#seats.all.map(({ occupant, requests, streams, isSettled, duty }) => {
      const { service, id: instance, version } = occupant;
      const unknown = !isSettled && duty === 'release';
      return { service, instance, version, inFlight: unknown ? Math.max(1, requests) : requests, streams };
    });
  }

  close(): void {
    this.#seats.close();
  }

  #settled(): Promise<void> {
    const isDone = () => this.#seats.all.every((seat) => seat.isSettled);
    if (isDone()) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      const look = () => {
        if (isDone()) end();
      };
      const timer = setTimeout(end, limits.direct.answerTimeoutMs);
      this.#waiting.add(look);
    });
  }

  #changed(): void {
    for (const look of this.#waiting) look();
    this.#options.onChange();
  }
}
