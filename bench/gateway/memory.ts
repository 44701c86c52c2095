/** What a gateway holds in memory: with many busy clients, and for each one that only stays connected. */
import fs from 'node:fs';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { residentBytes } from './processor.ts';
import type { Rival } from './rival.ts';
import { type Load, type Loaders, measure } from './slice.ts';
import { SMALL_PATH } from './paths.ts';

export const BUSY_CONNECTIONS = 1_000;
const IDLE_FIRST = 1_000;
const AT_ONCE = 50;
/** Sockets and files of every program that takes part, beside the idle connections. */
const FILES_KEPT_FREE = 3_000;
const IDLE_MAX = 6_000;
const SETTLE_MS = 1_000;
const WARM_UP_S = 4;

export interface Memory {
  /** Of the process that holds most: a gateway may have one beside those that serve. */
  readonly busyBytes: number;
  readonly allBytes: number;
  /** Null: this machine does not allow enough files to tell. */
  readonly perIdleBytes: number | null;
}

export async function measureMemory(loaders: Loaders, rival: Rival): Promise<Memory> {
  const load: Load = {
    path: SMALL_PATH,
    protocol: 'http',
    keepAlive: true,
    connections: BUSY_CONNECTIONS,
    perSecond: null,
  };
  await measure(loaders, rival, load, WARM_UP_S);
  const each = rival.pids().map(residentBytes);
  return {
    busyBytes: Math.max(...each),
    allBytes: each.reduce((sum, bytes) => sum + bytes, 0),
    perIdleBytes: await perIdle(rival),
  };
}

async function perIdle(rival: Rival): Promise<number | null> {
  const idle = Math.min(IDLE_MAX, filesAllowed() - FILES_KEPT_FREE);
  if (idle < 2 * IDLE_FIRST) return null;
  const sockets: net.Socket[] = [];
  try {
    await hold(rival.port, sockets, IDLE_FIRST);
    const before = await settled(rival);
    await hold(rival.port, sockets, idle);
    return Math.max(0, (await settled(rival)) - before) / (idle - IDLE_FIRST);
  } finally {
    for (const socket of sockets) socket.destroy();
    await sleep(SETTLE_MS);
  }
}

async function settled(rival: Rival): Promise<number> {
  await sleep(SETTLE_MS);
  return rival.pids().reduce((sum, pid) => sum + residentBytes(pid), 0);
}

/** Each has had one request, as a browser's has. */
async function hold(port: number, sockets: net.Socket[], upTo: number): Promise<void> {
  while (sockets.length < upTo) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, () => {
        const socket = net.connect(port, '127.0.0.1');
        sockets.push(socket);
        socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
        return new Promise<void>((resolve, reject) => {
          socket.once('data', () => resolve()).once('error', reject);
        });
      }),
    );
  }
}

function filesAllowed(): number {
  const limits = fs.readFileSync('/proc/self/limits', 'utf8');
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 0);
}
