/**
 * Sockets that the service manager opened for this process (sd_listen_fds(3)). Which address each one has is asked
 * of the system, not read from names.
 */
import net from 'node:net';
import type { Listen } from '../../core/project.ts';

const FIRST_FD = 3;

export interface GivenSocket {
  readonly listen: Listen;
  readonly fd: number;
}

export function givenSockets(environment: NodeJS.ProcessEnv, pid: number): readonly GivenSocket[] {
  const { LISTEN_FDS, LISTEN_PID } = environment;
  // Inherited by a child that was not meant.
  if (Number(LISTEN_PID) !== pid) return [];
  const count = Number(LISTEN_FDS);
  if (!Number.isInteger(count)) return [];
  return Array.from({ length: count }, (_, index) => FIRST_FD + index).flatMap(givenSocket);
}

function givenSocket(fd: number): readonly GivenSocket[] {
  try {
    // Held for good, and never read: only its name is asked for.
    const address = new net.Socket({ fd, readable: false, writable: false }).address();
    if (!('address' in address)) return [];
    return [{ listen: { host: address.address, port: address.port }, fd }];
  } catch {
    return [];
  }
}
