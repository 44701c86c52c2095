/**
 * Direct mode as the gateway's process has it beside its own traffic: nothing of it exists until a routing or an
 * order names a service in direct mode.
 */
import { type ErrorRecord, SegueError, toErrorRecord } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { DirectCounts } from '../../core/traffic/counts.ts';
import type { Listen } from '../../core/project.ts';
import type { Routing } from '../../core/traffic/routing.ts';
import type { LaunchOrder, Occupant } from '../../wire/direct-messages.ts';
import { DIRECT_SOCKET } from '../../wire/paths.ts';
import { socketPath } from '../../wire/socket-path.ts';
import type { FailedListen } from '../listeners.ts';
import { type DirectExit, DirectKeeper } from './keeper.ts';
import { type PublicSocket, PublicSockets } from './public-sockets.ts';
import type { StartedProcess } from './start-instance.ts';

export interface DirectDeskOptions {
  /** Absolute: the project's folder, which is the working directory. */
  readonly root: string;
  readonly pid: number;
  readonly log: (line: string) => void;
  readonly onExit: (exit: DirectExit) => void;
  /** Counts have changed. */
  readonly onChange: () => void;
}

export class DirectDesk {
  readonly #options: DirectDeskOptions;
  readonly #sockets = new PublicSockets();
  #opening: Promise<DirectKeeper> | null = null;
  #keeper: DirectKeeper | null = null;
  #changeDue = false;

  constructor(options: DirectDeskOptions) {
    this.#options = options;
  }

  /** For the gateway that follows this one. */
  get sockets(): readonly PublicSocket[] {
    return this.#sockets.all;
  }

  inherit(listen: Listen, fd: number): void {
    this.#sockets.inherit(listen, fd);
  }

  /** Resolves when the instances do what the routing says. */
  async apply({ services }: Routing): Promise<FailedListen[]> {
    const direct = services.filter(({ proxied }) => !proxied);
    if (direct.length === 0 && this.#keeper === null) return [];
    const keeper = await this.#open();
    const failed = direct.flatMap(({ listen }) => this.#bind(keeper, listen));
    await keeper.apply(services);
    this.#sockets.keep([...direct, ...keeper.occupants].map(({ listen }) => listen));
    return failed;
  }

  /** Throws a SegueError. */
  async launch(order: LaunchOrder): Promise<StartedProcess> {
    const keeper = await this.#open();
    try {
      return await keeper.launch(order);
    } catch (error) {
      if (error instanceof SegueError && error.code === 'PORT_IN_USE' && this.#isHeld(keeper, order.listen)) {
        const { host, port } = order.listen;
        throw new SegueError('DIRECT_SOCKET_LOST', `${host}:${port}`, { cause: error });
      }
      if (error instanceof SegueError) throw error;
      throw new SegueError('SPAWN_FAILED', `${order.file}: ${String(error)}`, { cause: error });
    }
  }

  async adopt(occupants: readonly Occupant[]): Promise<void> {
    if (occupants.length > 0) (await this.#open()).adopt(occupants);
  }

  get counts(): readonly DirectCounts[] {
    return this.#keeper?.counts ?? [];
  }

  close(): void {
    this.#keeper?.close();
    this.#sockets.keep([]);
  }

  #open(): Promise<DirectKeeper> {
    this.#opening ??= this.#start().catch((error: unknown) => {
      this.#opening = null;
      throw new SegueError('LISTEN_REFUSED', `${DIRECT_SOCKET}: ${String(error)}`, { cause: error });
    });
    return this.#opening;
  }

  async #start(): Promise<DirectKeeper> {
    const { root, pid, log, onExit } = this.#options;
    const keeper = new DirectKeeper({
      ...{ path: DIRECT_SOCKET, pid, log, onExit },
      pathFrom: (dir) => socketPath(`${root}/${DIRECT_SOCKET}`, dir),
      socketOf: (listen) => this.#sockets.take(listen),
      onChange: () => this.#changeSoon(),
    });
    await keeper.listen();
    this.#keeper = keeper;
    return keeper;
  }

  /** An address that our own instances hold is in force, even if a gateway that has gone had bound it for them. */
  #bind(keeper: DirectKeeper, listen: FailedListen['listen']): FailedListen[] {
    try {
      this.#sockets.take(listen);
      return [];
    } catch (error) {
      if (this.#isHeld(keeper, listen)) return [];
      return [{ listen, ...failureOf(toErrorRecord(error)) }];
    }
  }

  #isHeld({ occupants }: DirectKeeper, { port }: Listen): boolean {
    return occupants.some((each) => each.listen.port === port);
  }

  /** Instances report in bursts. */
  #changeSoon(): void {
    if (this.#changeDue) return;
    this.#changeDue = true;
    setTimeout(() => {
      this.#changeDue = false;
      this.#options.onChange();
    }, limits.direct.changeDelayMs);
  }
}

function failureOf({ code, detail }: ErrorRecord): Pick<FailedListen, 'code' | 'detail'> {
  return { code: code === 'PORT_IN_USE' ? code : 'LISTEN_REFUSED', detail };
}
