/**
 * The death of one worker, and whose connections it takes along. The worker is stopped first, so that the list of
 * its connections is the list of what it had when it died; whatever breaks elsewhere is a fault.
 */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure } from '../../test/load/summary.ts';
import { wallMs } from '../../test/load/tally.ts';

const POLL_MS = 1;
const LOOKS = 3;
/** A client hears of it at once, but a busy one comes to it later. Ports are not used again so soon. */
const HEARD_WITHIN_MS = 10_000;
const LOST_WITH_IT: ReadonlySet<Failure['reason']> = new Set(['reset', 'closed', 'closed-idle']);

export interface Kill {
  readonly atMs: number;
  /** Of the clients' ends. */
  readonly ports: ReadonlySet<number>;
}

/** Resolves when it is gone. `port` is where clients connect. */
export async function killWorker(pid: number, port: number): Promise<Kill> {
  process.kill(pid, 'SIGSTOP');
  while ((await stateOf(pid)) !== 'T') await sleep(POLL_MS);
  const ports = await clientPorts(pid, port);
  const atMs = wallMs();
  process.kill(pid, 'SIGKILL');
  return { atMs, ports };
}

/** Under way on a connection of a worker that was killed: nobody could have saved it. */
export function isLostWith(kills: readonly Kill[], { reason, localPort, atMs }: Failure): boolean {
  return kills.some(
    (kill) =>
      LOST_WITH_IT.has(reason) &&
      localPort !== null &&
      kill.ports.has(localPort) &&
      atMs >= kill.atMs &&
      atMs <= kill.atMs + HEARD_WITHIN_MS,
  );
}

/** The letter in /proc: `T` is stopped. */
async function stateOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return /\) (\S)/.exec(stat)?.[1];
}

async function clientPorts(pid: number, port: number): Promise<ReadonlySet<number>> {
  const inodes = new Set<string>();
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const link = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  const ports = new Set<number>();
  // The kernel gives its table in parts, and may leave rows out while others come and go.
  for (let look = 0; look < LOOKS; look += 1) {
    const rows = (await readFile(`/proc/${pid}/net/tcp`, 'utf8')).trim().split('\n').slice(1);
    for (const row of rows) {
      const [, local = '', remote = '', , , , , , , inode = ''] = row.trim().split(/\s+/);
      const isClient = portOf(local) === port && portOf(remote) !== 0;
      if (isClient && inodes.has(inode)) ports.add(portOf(remote));
    }
  }
  return ports;
}

/** From an address as /proc has it: `0100007F:1F90`. */
const portOf = (address: string): number => Number.parseInt(address.split(':')[1] ?? '', 16);
