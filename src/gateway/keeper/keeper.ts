/**
 * Direct mode: keeps the public sockets that instances share with no proxy in between, and never listens on them
 * itself. It starts the instances, because a descriptor comes from a parent only, and carries a routing out by
 * telling each of them to accept or to stop. A routing is in force when all of them said so (R1, R2, R4).
 */
import type { Listen } from '../../core/project.ts';
import { limits } from '../../core/limits.ts';
import type { DirectCounts } from '../../core/traffic/counts.ts';
import type { ServiceRouting } from '../../core/traffic/routing.ts';
import type { LaunchOrder, Occupant } from '../../wire/direct-messages.ts';
import { Seats } from './seats.ts';
import { isRunning, type StartedProcess, startWithSocket } from './start-instance.ts';

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

export class DirectKeeper {
  readonly #options: DirectKeeperOptions;
  readonly #seats: Seats;
  readonly #waiting = new Set<() => void>();
  readonly #adopted = new Set<Occupant>();
  #looking: NodeJS.Timeout | null = null;

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
    const { service, version, tokenHash, listen } = order;
    this.#seats.add({ id, service, version, tokenHash, listen, ...started });
    child.once('exit', (code, signal) => {
      this.#seats.remove({ id, pid });
      onExit({ id, pid, code, signal });
    });
    return started;
  }

  /** Instances that an earlier keeper started. They are not our children: their end has to be looked for. */
  adopt(occupants: readonly Occupant[]): void {
    for (const occupant of occupants) {
      const known = this.#seats.get(occupant.id)?.occupant;
      if (known?.tokenHash === occupant.tokenHash || !isRunning(occupant)) continue;
      this.#seats.add(occupant);
      this.#adopted.add(occupant);
    }
    if (this.#adopted.size > 0)
      this.#looking ??= setInterval(() => this.#lookForEnded(), limits.direct.adoptedPollIntervalMs);
  }

  #lookForEnded(): void {
    for (const occupant of this.#adopted) {
      if (isRunning(occupant)) continue;
      this.#adopted.delete(occupant);
      this.#seats.remove(occupant);
    }
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
      const unknown = !isSettled && duty === 'release';
      return { instance: occupant.id, inFlight: unknown ? Math.max(1, requests) : requests, streams };
    });
  }

  close(): void {
    if (this.#looking) clearInterval(this.#looking);
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
