import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { open, readFile, readdir, readlink } from 'node:fs/promises';
import { limits } from '../../../core/limits.ts';
import {
  hasOtherSockets,
  isLive,
  parseListeners,
  parseStat,
  variableIn,
  type ProcessStat,
} from './proc-parse.ts';

export const SECRET_VARIABLE = 'SEGUE_INSTANCE_SECRET';

/** A process, told apart from every other of this boot: pids come round again, start times do not. */
export interface ProcessId {
  readonly pid: number;
  readonly start: string;
}

export const keyOf = ({ pid, start }: ProcessId) => `${pid}:${start}`;

export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Null when there is no such process. Synchronous, so that a signal can follow what was seen. */
export function readStat(pid: number): ProcessStat | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return null;
  }
}

/** The same process as it is now, if it has not ended. */
export function readLive(id: ProcessId): ProcessStat | null {
  const stat = readStat(id.pid);
  return stat && stat.start === id.start && isLive(stat) ? stat : null;
}

/** Every process, zombies included. */
export function readAll(): readonly ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== null);
}

/** The hash of the secret in a process's first environment; null: none there, or not ours to read. */
export async function readSecretHash(pid: number): Promise<string | null> {
  try {
    const secret = variableIn(await readFile(`/proc/${pid}/environ`, 'latin1'), SECRET_VARIABLE);
    return secret === null ? null : hashSecret(secret);
  } catch {
    return null;
  }
}

export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Those of the processes that carry the secret. Session 0 is the kernel's own threads: no program is there. */
export async function withSecret(
  stats: readonly ProcessStat[],
  secretHash: string,
): Promise<readonly ProcessStat[]> {
  const found: ProcessStat[] = [];
  const programs = stats.filter((stat) => stat.session !== 0);
  for (let at = 0; at < programs.length; at += limits.runtime.environReadsAtOnce) {
    const batch = programs.slice(at, at + limits.runtime.environReadsAtOnce);
    const hashes = await Promise.all(batch.map((stat) => readSecretHash(stat.pid)));
    found.push(...batch.filter((_, i) => hashes[i] === secretHash));
  }
  return found;
}

/** The kernel gives a page at a time, in whole lines. */
const TABLE_CHUNK_BYTES = 4_096;

/** Ports on which a process listens with TCP; null when its open files are not ours to see. */
export async function readListening(pid: number): Promise<readonly number[] | null> {
  try {
    const [tables, descriptors] = await Promise.all([
      Promise.all(['tcp', 'tcp6'].map((name) => readListeners(`/proc/${pid}/net/${name}`).catch(() => ''))),
      readdir(`/proc/${pid}/fd`),
    ]);
    const portOf = new Map(tables.flatMap((table) => [...parseListeners(table)]));
    const targets = await Promise.all(
      descriptors.map((descriptor) => readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')),
    );
    return targets
      .map((target) => portOf.get(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? ''))
      .filter((port) => port !== undefined);
  } catch {
    return null;
  }
}

/**
 * Listening sockets come first in the table (Linux, Documentation/networking/proc_net_tcp.rst). The rest is not
 * read: on a busy machine it holds tens of thousands of connections that have ended.
 */
async function readListeners(path: string): Promise<string> {
  const table = await open(path);
  try {
    for (let text = ''; ;) {
      const { buffer, bytesRead } = await table.read(Buffer.alloc(TABLE_CHUNK_BYTES));
      text += buffer.toString('latin1', 0, bytesRead);
      if (bytesRead === 0 || hasOtherSockets(text)) return text;
    }
  } finally {
    await table.close();
  }
}
