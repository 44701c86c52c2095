/**
 * The public sockets of services in direct mode: bound, never listened on here, and kept while any service or
 * instance uses the address. Bound and not listened on, they cannot take a connection from an instance.
 */
import { closeSync } from 'node:fs';
import net from 'node:net';
import { SegueError } from '../../core/errors.ts';
import type { Listen } from '../../core/project.ts';

export interface PublicSocket {
  readonly listen: Listen;
  readonly fd: number;
  readonly close: () => void;
}

export class PublicSockets {
  readonly #bound = new Map<string, PublicSocket>();

  get all(): readonly PublicSocket[] {
    return [...this.#bound.values()];
  }

  /** From the gateway that this one follows. */
  inherit(listen: Listen, fd: number): void {
    this.#bound.set(keyOf(listen), { listen, fd, close: () => closeSync(fd) });
  }

  /** Its descriptor; bound when it was not yet. Throws PORT_IN_USE, LISTEN_REFUSED. */
  take(listen: Listen): number {
    const key = keyOf(listen);
    const known = this.#bound.get(key);
    if (known) return known.fd;
    const socket = bind(listen);
    const fd = socket.fd();
    this.#bound.set(key, { listen, fd, close: () => socket.close() });
    return fd;
  }

  /** Lets go of all others. Instances that inherited one keep it open until they end. */
  keep(used: readonly Listen[]): void {
    const keys = new Set(used.map(keyOf));
    for (const [key, socket] of this.#bound) {
      if (keys.has(key)) continue;
      socket.close();
      this.#bound.delete(key);
    }
  }
}

const keyOf = ({ host, port }: Listen) => `${host} ${port}`;

function bind({ host, port }: Listen): net.BoundSocket {
  try {
    return new net.BoundSocket({ host: host === '' ? '::' : host, port });
  } catch (error) {
    const code = codeOf(error);
    // A machine without IPv6.
    if (host === '' && code === 'EAFNOSUPPORT') return bind({ host: '0.0.0.0', port });
    const detail = error instanceof Error ? error.message : String(error);
    throw new SegueError(code === 'EADDRINUSE' ? 'PORT_IN_USE' : 'LISTEN_REFUSED', detail, { cause: error });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
