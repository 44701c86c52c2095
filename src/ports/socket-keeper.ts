import type { Listen } from '../core/project.ts';
import type { InstanceExit } from './runtime.ts';

/** Which public socket an instance shares, and for whom. */
export interface DirectPlace {
  readonly service: string;
  readonly version: string;
  readonly listen: Listen;
}

export interface DirectProcess {
  readonly pid: number;
  /** In clock ticks after boot: tells it from a later process with its number. */
  readonly start: string;
}

/** All that is needed to start a program that inherits a public socket. */
export interface DirectLaunch extends DirectPlace {
  readonly id: string;
  readonly tokenHash: string;
  /** Absolute path of the program. */
  readonly file: string;
  readonly args: readonly string[];
  readonly dir: string;
  /** Complete, with the instance's secret: nothing else is passed on. */
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
}

export interface DirectExit extends InstanceExit {
  readonly pid: number;
}

/** Keeps the public sockets of services in direct mode, and outlives control as the traffic plane does. */
export interface SocketKeeper {
  /** Throws PORT_IN_USE, LISTEN_REFUSED, SPAWN_FAILED; GATEWAY_UNREACHABLE leaves open whether it runs. */
  launch(order: DirectLaunch): Promise<DirectProcess>;
  /** Instances that an earlier control had started, or another gateway. */
  adopt(occupant: DirectPlace & DirectProcess & { readonly id: string; readonly tokenHash: string }): void;
  /** The end of those that this gateway started itself. */
  onExit(listener: (exit: DirectExit) => void): () => void;
}
