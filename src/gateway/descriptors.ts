/**
 * How many clients the open descriptors of this process are enough for. A process that runs out of them can
 * neither take a connection nor reach an instance, so it stops taking before that.
 */
import { readFileSync } from 'node:fs';
import { limits } from '../core/limits.ts';

/** One for the client, one to its instance, one to an instance that is kept for the next request. */
const PER_CLIENT = 3;

/** Node has raised the soft limit to the hard one when it started. */
export function descriptorsMax(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}

export function clientsFor(descriptors: number): number {
  const { connectionsMax, connectionsMin, descriptorsKept } = limits.gateway;
  const room = Math.floor((descriptors - descriptorsKept) / PER_CLIENT);
  return Math.max(connectionsMin, Math.min(connectionsMax, room));
}
