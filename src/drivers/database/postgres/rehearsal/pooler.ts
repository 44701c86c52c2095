/**
 * A rehearsal needs sessions: pg_dump sets its search_path for one, statements are prepared in one, and what is at
 * work is told from what was left behind by one. A pooler in transaction mode hands each transaction another
 * connection of the server, and what pg_dump set stays with one that the application gets next.
 *
 * PostgreSQL tells a client the number of its process when it connects, and who stands in between tells one of its
 * own. That connections are shared is certain once one client has met two processes, or two clients the same one.
 */
import type pg from 'pg';
import { SegueError } from '../../../../core/errors.ts';
import { limits } from '../../../../core/limits.ts';
import { serverOf } from './address.ts';

/** Throws REHEARSAL_POOLED. */
export async function mustHaveSessions(address: string, open: () => Promise<pg.Client>): Promise<void> {
  // An address that is none is refused first.
  const server = serverOf(address);
  const first = await open();
  try {
    if (Reflect.get(first, 'processID') === (await backendOf(first))) return;
    const second = await open();
    try {
      if (await areShared(first, second)) throw new SegueError('REHEARSAL_POOLED', `It is at ${server}.`);
    } finally {
      await second.end();
    }
  } finally {
    await first.end();
  }
}

/** The process of the server, whatever stands in between. */
export async function backendOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? 0;
}

async function areShared(first: pg.Client, second: pg.Client): Promise<boolean> {
  const [ofFirst, ofSecond] = [new Set<number>(), new Set<number>()];
  for (let look = 0; look < limits.rehearsal.poolerLooks; look += 1) {
    ofFirst.add(await backendOf(first));
    ofSecond.add(await backendOf(second));
    if (ofFirst.size > 1 || ofSecond.size > 1 || [...ofFirst].some((pid) => ofSecond.has(pid))) return true;
  }
  return false;
}
