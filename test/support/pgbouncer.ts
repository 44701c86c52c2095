/**
 * PgBouncer before a throwaway server. In transaction mode, which it has unless another is asked for, two transactions
 * of a client may be two connections of the server, and two clients share one. It listens on a unix socket in its own
 * folder only.
 */
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { giveAway, spawnAsNobody, stopperOf } from './as-nobody.ts';
import type { Postgres } from './postgres.ts';

const PROGRAM = '/usr/sbin/pgbouncer';
const PORT = 6432;
const startTimeoutMs = 60_000;
const lookIntervalMs = 20;

export function hasPgbouncer(): boolean {
  try {
    accessSync(PROGRAM, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** As the server, but for its address. */
export async function startPgbouncer(
  server: Postgres,
  poolMode: 'transaction' | 'session' | 'statement' = 'transaction',
): Promise<Postgres> {
  const dir = mkdtempSync(path.join(tmpdir(), 'segue-pgb-'));
  const { host, port, user } = server.config();
  const settings = {
    ...{ listen_addr: '', listen_port: PORT, unix_socket_dir: dir, pidfile: '', logfile: '' },
    ...{ auth_type: 'any', pool_mode: poolMode },
    // Fewer than the clients of any test: they have to share, where they can.
    ...{ default_pool_size: poolMode === 'session' ? 100 : 6, max_client_conn: 200, server_round_robin: 1 },
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  const file = path.join(dir, 'pgbouncer.ini');
  writeFileSync(
    file,
    ['[databases]', `* = host=${host} port=${port} user=${user}`, '[pgbouncer]', ...lines, ''].join('\n'),
  );
  for (const each of [dir, file]) giveAway(each);
  const pooler = spawnAsNobody(PROGRAM, [file], dir);
  const stop = stopperOf(pooler, dir, 'SIGTERM');
  const config = (database = 'postgres') => ({ host: dir, port: PORT, user, database });
  let output = '';
  pooler.stderr?.on('data', (part: Buffer) => (output = (output + part.toString()).slice(-4_000)));
  for (const untilMs = performance.now() + startTimeoutMs; ;) {
    const client = new pg.Client(config());
    try {
      await client.connect();
      await client.end();
      break;
    } catch (error) {
      if (pooler.exitCode !== null || performance.now() > untilMs) {
        await stop();
        rmSync(dir, { recursive: true, force: true });
        throw new Error(`PgBouncer did not start:\n${output}`, { cause: error });
      }
    }
    await sleep(lookIntervalMs);
  }
  return {
    version: server.version,
    config,
    url: (database = 'postgres') =>
      `postgresql://${user}@localhost:${PORT}/${database}?host=${encodeURIComponent(dir)}`,
    connect: (database) => server.connect(database),
    createDatabase: () => server.createDatabase(),
    stop,
  };
}
