/** Whatever still belongs to the demo after `segue down`: there must be nothing. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { connect } from 'node:net';

export interface Leftover {
  readonly pid: number;
  readonly command: string;
}

/** Processes that were started in, with or for the demo's folder, whose name is like no other. */
export async function processesOf(projectDir: string): Promise<readonly Leftover[]> {
  const names = await readdir('/proc').catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map((pid) => belonging(pid, projectDir)));
  return found.filter((leftover) => leftover !== null);
}

async function belonging(pid: number, projectDir: string): Promise<Leftover | null> {
  if (pid === process.pid) return null;
  const file = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
  const [command, environment, cwd] = await Promise.all([
    file('cmdline'),
    file('environ'),
    readlink(`/proc/${pid}/cwd`).catch(() => ''),
  ]);
  if (![command, environment, cwd].some((text) => text.includes(projectDir))) return null;
  return { pid, command: command.replaceAll('\0', ' ').trim() };
}

export function isListening(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: '127.0.0.1', port });
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}
