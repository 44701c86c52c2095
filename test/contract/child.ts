/** Starts a script of this folder as a real process and reads its lines, so that a test can kill it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export class Child {
  readonly process: ChildProcess;
  readonly #lines: AsyncIterableIterator<string>;
  readonly #ended: Promise<unknown>;
  #stderr = '';

  /** `before` is a command that starts another one, such as `inMount`. */
  constructor(script: string, args: readonly string[], before: readonly string[] = []) {
    const line = [...before, process.execPath, join(import.meta.dirname, script), ...args];
    this.process = spawn(line[0] ?? '', line.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#ended = once(this.process, 'exit');
    const { stdout, stderr } = this.process;
    if (!stdout || !stderr) throw new Error('no pipes');
    stderr.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const next = await this.#lines.next();
    if (next.done) throw new Error(`the child ended early: ${this.#stderr}`);
    return next.value;
  }

  /** What it said before it ended. */
  async rest(): Promise<string[]> {
    const lines: string[] = [];
    for await (const line of { [Symbol.asyncIterator]: () => this.#lines }) lines.push(line);
    return lines;
  }

  /** Returns when the process is gone, and with it whatever the kernel held for it. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.#ended;
  }
}

/**
 * A command line that mounts a small file system at `dir`, seen by nobody else and gone with the process,
 * runs `prepare` (a shell script in which `$DIR` is that folder), then what follows.
 */
export function inMount(dir: string, sizeBytes: number, prepare = ':'): string[] {
  const script = `mount -t tmpfs -o size=${sizeBytes} segue-test "$DIR" && ${prepare} && exec "$@"`;
  return ['env', `DIR=${dir}`, 'unshare', '-rm', 'sh', '-c', script, 'sh'];
}

/** False, or why such a mount cannot be made here: for the `skip` option of a test. */
export const noMounts: string | false =
  spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs segue-test /mnt']).status === 0
    ? false
    : 'this system lets no one mount in a user namespace';
