/**
 * The sockets that clients connect to: bound or inherited by the master, which never listens on them nor accepts.
 * Workers get copies and listen: one socket, one queue of the kernel, so that what waits in it when a worker ends
 * is accepted by a sibling or by its replacement (loss table, row 1).
 */
import { lookup } from 'node:dns/promises';
import { closeSync } from 'node:fs';
import net from 'node:net';
import { isEveryAddress, listenKey } from '../../core/listen.ts';
import type { Listen } from '../../core/project.ts';
import type { FailedListen } from '../listeners.ts';
import type { GivenSocket } from './activation.ts';

interface Held {
  readonly listen: Listen;
  readonly fd: number;
  readonly close: () => void;
}

export class HeldSockets {
  readonly #held = new Map<string, Held>();
  /** Opened by the service manager, whose they stay. */
  readonly #given: readonly GivenSocket[];

  constructor(given: readonly GivenSocket[]) {
    this.#given = given;
  }

  get keys(): readonly string[] {
    return [...this.#held.keys()];
  }

  get all(): readonly Held[] {
    return [...this.#held.values()];
  }

  has(key: string): boolean {
    return this.#held.has(key);
  }

  /** Null when it is held now, else why not. */
  async bind(listen: Listen): Promise<FailedListen | null> {
    try {
      const host = isEveryAddress(listen.host) ? '::' : await addressOf(listen.host);
      const given = this.#given.find((each) => isSame(each.listen, { host, port: listen.port }));
      if (given) this.#held.set(listenKey(listen), { listen, fd: given.fd, close: () => undefined });
      else {
        const bound = boundTo(host, listen.port);
        this.#held.set(listenKey(listen), { listen, fd: bound.fd(), close: () => bound.close() });
      }
      return null;
    } catch (error) {
      const inUse = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
      const detail = error instanceof Error ? error.message : String(error);
      return { listen, code: inUse ? 'PORT_IN_USE' : 'LISTEN_REFUSED', detail };
    }
  }

  /** A descriptor of this process that is bound to this address. */
  inherit(listen: Listen, fd: number): void {
    this.#held.set(listenKey(listen), { listen, fd, close: () => closeSync(fd) });
  }

  drop(key: string): void {
    this.#held.get(key)?.close();
    this.#held.delete(key);
  }
}

const addressOf = async (host: string) => (net.isIP(host) === 0 ? (await lookup(host)).address : host);

/** Every address of a machine is one of two, with IPv6 or without. */
function isSame(given: Listen, wanted: Listen): boolean {
  const every = wanted.host === '::' && given.host === '0.0.0.0';
  return given.port === wanted.port && (given.host === wanted.host || every);
}

/** `::` is IPv4 as well, and only IPv4 where there is no IPv6. */
function boundTo(host: string, port: number): net.BoundSocket {
  try {
    return new net.BoundSocket({ host, port });
  } catch (error) {
    const inUse = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    if (host !== '::' || inUse) throw error;
    return new net.BoundSocket({ host: '0.0.0.0', port });
  }
}
