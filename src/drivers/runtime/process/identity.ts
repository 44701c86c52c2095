import type { Mark } from '../../../core/release/records.ts';
import { isLive } from './proc-parse.ts';
import { bootId, readAll, readLive, readSecretHash, withSecret, type ProcessId } from './process-table.ts';

/**
 * Who an instance is (R9: what is reported as running was verified to be running). Its leader is the
 * process that the runtime started: the leader of a session of its own.
 */
export function markOf(leader: ProcessId): Mark {
  return { pid: leader.pid, start: leader.start, boot: bootId() };
}

/** Null for a mark of another boot, of which nothing can be left, and for one that is not ours. */
export function leaderIn(mark: Mark): ProcessId | null {
  const { pid, start, boot } = mark;
  if (typeof pid !== 'number' || typeof start !== 'string' || boot !== bootId()) return null;
  return { pid, start };
}

/**
 * The process of the mark, if it lives and carries no other secret. Programs that write their title over
 * their environment (nginx, Puma) or may not be looked into (file capabilities) show no secret at all: then
 * boot, pid, start time and leading the session decide together.
 */
export async function verifyLeader(leader: ProcessId, secretHash: string): Promise<boolean> {
  const found = await readSecretHash(leader.pid);
  const stat = readLive(leader);
  if (!stat) return false;
  return found === null ? stat.session === leader.pid : found === secretHash;
}

/**
 * Looks for the leader by its secret alone. What the program itself moved into another session carries the
 * secret too, but it is younger or has a parent that carries it.
 */
export async function findLeader(secretHash: string): Promise<ProcessId | null> {
  const carriers = await withSecret(readAll().filter(isLive), secretHash);
  const pids = new Set(carriers.map((stat) => stat.pid));
  const leaders = carriers.filter((stat) => stat.session === stat.pid && !pids.has(stat.parent));
  const oldest = leaders.sort((a, b) => Number(a.start) - Number(b.start))[0];
  return oldest ? { pid: oldest.pid, start: oldest.start } : null;
}
