/** Servers that refuse to run as root: as nobody where this runs as root, and ended with the process that started them. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, rmSync } from 'node:fs';

const NOBODY = 65_534;
const lookIntervalMs = 20;

const isRoot = () => process.getuid?.() === 0;

/** A folder for such a program to write to. */
export function giveAway(dir: string): void {
  if (isRoot()) chownSync(dir, NOBODY, NOBODY);
}

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

export function runAsNobody(program: string, args: readonly string[]): void {
  const [first, rest] = words(program, args);
  execFileSync(first, rest, { env: environment(), cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Stderr can be read. */
export function spawnAsNobody(program: string, args: readonly string[], cwd: string): ChildProcess {
  const [first, rest] = words(program, args);
  return spawn(first, rest, { env: environment(), cwd, stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Also for a test process that is told to end, or ends by itself without having stopped it. */
export function stopperOf(server: ChildProcess, dir: string, atOnce: NodeJS.Signals): () => Promise<void> {
  const atExit = () => {
    server.kill(atOnce);
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
      server.kill(atOnce);
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
